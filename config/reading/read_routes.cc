#include <algorithm>
#include <array>
#include <cstdint>
#include <format>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/text.h"
#include "config/names.h"
#include "config/quoting.h"
#include "config/reading/sections.h"
#include "config/route_rules.h"

namespace gatehouse::config {

namespace {

constexpr unsigned kLowestStatus = 200;
constexpr unsigned kHighestStatus = 599;

// False if one of them is none.
bool read_hosts(TableReader& reader, std::vector<std::string>& hosts) {
  bool good = true;
  const bool given = reader.strings("hosts", [&](const std::string& text, const Location& where) {
    auto host = normalised_host(text);
    if (!host) {
      good = false;
      reader.error(where, std::format("\"hosts\": {}", host.error().message));
    } else if (std::ranges::contains(hosts, *host)) {
      reader.error(where, std::format("the host {} is listed twice", in_quotes(*host)));
    } else {
      hosts.push_back(*std::move(host));
    }
  });
  return good && given == reader.has("hosts");
}

bool read_route_path(TableReader& reader, std::string& path) {
  if (!reader.read("path", path)) return !reader.has("path");
  const auto checked = check_path(path);
  if (!checked) reader.error("path", std::format("\"path\": {}", checked.error().message));
  return checked.has_value();
}

void read_to(TableReader& reader, Route& route) {
  Forward forward{.location = reader.location("to")};
  if (reader.read("to", forward.upstream) && forward.upstream.empty()) {
    reader.error("to", "\"to\" must be the name of an upstream or an app, not empty");
  }
  if (reader.has("to")) route.action = std::move(forward);
}

void read_redirect(TableReader& reader, Route& route) {
  Redirect redirect;
  if (reader.read("redirect", redirect.target)) {
    const auto checked = check_redirect_target(redirect.target);
    if (!checked) reader.error("redirect", std::format("\"redirect\": {}", checked.error().message));
  }
  unsigned status = 0;
  if (reader.read("status", status)) {
    static constexpr std::array<unsigned, 5> kRedirects{301, 302, 303, 307, 308};
    if (!reader.has("redirect")) {
      reader.error("status", R"("status" belongs to "redirect"; for an answer write respond = { status = 404 })");
    } else if (!std::ranges::contains(kRedirects, status)) {
      reader.error("status", std::format("\"status\" of a redirect must be 301, 302, 303, 307 or 308, not {}", status));
    } else {
      redirect.status = static_cast<int>(status);
    }
  }
  if (reader.has("redirect")) route.action = std::move(redirect);
}

void read_respond(TableReader& reader, Route& route) {
  reader.table("respond", [&](TableReader& table) {
    Respond respond;
    unsigned status = 0;
    if (table.read("status", status, {.min = kLowestStatus, .max = kHighestStatus}))
      respond.status = static_cast<int>(status);
    table.read("body", respond.body);
    const bool may_have_body = respond.status != 204 && respond.status != 205 && respond.status != 304;
    if (!respond.body.empty() && !may_have_body) {
      table.error("body", std::format("an answer with status {} has no body", respond.status));
    }
    route.action = std::move(respond);
  });
}

void read_action(TableReader& reader, Route& route) {
  static constexpr std::array<std::string_view, 3> kActions{"to", "redirect", "respond"};
  read_redirect(reader, route);
  read_respond(reader, route);
  read_to(reader, route);
  std::vector<std::string_view> given;
  std::ranges::copy_if(kActions, std::back_inserter(given), [&](std::string_view key) { return reader.has(key); });
  if (given.empty()) {
    reader.error(reader.location(), std::format("a route needs one of {}", one_of(kActions)));
  } else if (given.size() > 1) {
    reader.error(given[1], std::format("{} beside {}: a route has exactly one of {}", in_quotes(given[1]),
                                       in_quotes(given[0]), one_of(kActions)));
  }
}

void read_fields(TableReader& reader, std::string_view key, std::vector<std::pair<std::string, std::string>>& fields) {
  reader.named_strings(key, [&](const std::string& name, const std::string& value, const Location& where) {
    const auto good_name = check_header_name(name, Edit::kSet);
    const auto good_value = check_header_value(value);
    const auto is_same = [&](const auto& field) { return text::iequals(field.first, name); };
    if (!good_name) {
      reader.error(where, good_name.error().message);
    } else if (!good_value) {
      reader.error(where, std::format("{}: {}", in_quotes(name), good_value.error().message));
    } else if (std::ranges::any_of(fields, is_same)) {
      reader.error(where,
                   std::format("the header {} is listed twice; names differ in more than case", in_quotes(name)));
    } else {
      fields.emplace_back(name, value);
    }
  });
}

void read_header_edits(TableReader& reader, HeaderEdits& edits) {
  read_fields(reader, "set", edits.set);
  read_fields(reader, "add", edits.add);
  reader.strings("remove", [&](const std::string& name, const Location& where) {
    const auto good = check_header_name(name, Edit::kRemove);
    if (good) {
      edits.remove.push_back(name);
    } else {
      reader.error(where, good.error().message);
    }
  });
}

void read_overrides(TableReader& reader, Route& route) {
  reader.table("limits", [&](TableReader& table) {
    std::optional<std::uint64_t> max_request_body;
    if (read_max_request_body(table, max_request_body)) route.limits.max_request_body = max_request_body;
  });
  reader.table("timeouts", [&](TableReader& table) {
    const auto read = [&](std::string_view key, std::optional<milliseconds>& value) {
      milliseconds duration{};
      if (table.read(key, duration)) value = duration;
    };
    read("request_body", route.timeouts.request_body);
    read("connect", route.timeouts.connect);
    read("response", route.timeouts.response);
    read("response_body", route.timeouts.response_body);
    read("response_write", route.timeouts.response_write);
  });
}

// What is done to a request on its way to an endpoint means nothing on a route that has none.
void warn_of_idle_keys(TableReader& reader, const Route& route) {
  if (std::holds_alternative<Forward>(route.action)) return;
  for (const std::string_view key :
       {"strip_prefix", "preserve_host", "forwarded", "real_ip", "request_headers", "timeouts"}) {
    if (reader.has(key)) reader.warning(key, std::format("{} has no effect on a route without \"to\"", in_quotes(key)));
  }
}

}  // namespace

void read_route(TableReader& reader, Route& route) {
  route.location = reader.location();
  const bool good_hosts = read_hosts(reader, route.hosts);
  const bool good_path = read_route_path(reader, route.path);
  if (!good_hosts || !good_path) route.path.clear();  // no path: what it matches is not known
  read_action(reader, route);
  reader.read("strip_prefix", route.strip_prefix);
  reader.read("preserve_host", route.preserve_host);
  reader.read("redirect_to_https", route.redirect_to_https);
  reader.read("forwarded", route.forwarded, kForwardedNames);
  reader.read("real_ip", route.real_ip);
  reader.table("request_headers", [&](TableReader& table) { read_header_edits(table, route.request_headers); });
  reader.table("response_headers", [&](TableReader& table) { read_header_edits(table, route.response_headers); });
  read_overrides(reader, route);
  warn_of_idle_keys(reader, route);
}

}  // namespace gatehouse::config
