#include <algorithm>
#include <array>
#include <cstdint>
#include <format>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/address.h"
#include "common/text.h"
#include "config/names.h"
#include "config/quoting.h"
#include "config/reading/sections.h"
#include "config/route_rules.h"

namespace gatehouse::config {

namespace {

// False if one of them is none.
bool read_hosts(TableReader& reader, std::vector<std::string>& hosts) {
  bool good = true;
  std::set<std::string> seen;
  const bool given = reader.strings("hosts", [&](const std::string& text, const Location& where) {
    auto host = normalised_host(text);
    if (!host) {
      good = false;
      reader.error(where, std::format("\"hosts\": {}", host.error().message));
    } else if (!seen.insert(*host).second) {
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

void read_rewrite(TableReader& reader, std::string& rewrite) {
  if (!reader.read("rewrite", rewrite) || rewrite.empty()) return;
  if (const auto checked = check_rewrite(rewrite); !checked) {
    reader.error("rewrite", std::format("\"rewrite\": {}", checked.error().message));
  }
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

// A name in a folder, and nothing more.
bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && !name.contains('/') && !name.contains('\0');
}

void read_attempt(TableReader& reader, const std::string& text, const Location& where, Files& files) {
  const std::size_t path = text.find("{path}");
  const bool begins = text.starts_with('/') || path == 0;
  const bool once = path == std::string::npos || text.find("{path}", path + 1) == std::string::npos;
  if (begins && once && !("/" + text + "/").contains("/../")) {
    files.attempts.push_back(text);
  } else {
    reader.error(where,
                 std::format(R"("try": {} is no place to look for a file; write one such as "{{path}}", "{{path}}/", )"
                             R"("{{path}}.html" or "/index.html", with "{{path}}" once at most)",
                             in_quotes(text)));
  }
}

void read_files(TableReader& reader, Route& route) {
  Files files;
  if (reader.read_path_or_none("files", files.folder) && files.folder.empty()) {
    reader.error("files", R"("files" must be the path of a folder, not "")");
  }
  if (reader.has("try")) files.attempts.clear();
  reader.strings("try",
                 [&](const std::string& text, const Location& where) { read_attempt(reader, text, where, files); });
  if (reader.is_empty_array("try")) reader.error("try", R"("try" is empty: no file would ever be found)");
  if (reader.has("index")) files.index.clear();
  reader.strings("index", [&](const std::string& name, const Location& where) {
    if (is_file_name(name)) {
      files.index.push_back(name);
    } else {
      reader.error(
          where, std::format(R"("index": {} is no name of a file in a folder, such as "index.html")", in_quotes(name)));
    }
  });
  reader.read("follow_links", files.follow_links);
  if (reader.has("files")) {
    route.action = std::move(files);
    return;
  }
  for (const std::string_view key : {"try", "index", "follow_links"}) {
    if (reader.has(key)) reader.error(key, std::format("{} is for a route with \"files\"", in_quotes(key)));
  }
}

void read_action(TableReader& reader, Route& route) {
  static constexpr std::array<std::string_view, 4> kActions{"to", "redirect", "respond", "files"};
  read_files(reader, route);
  read_redirect(reader, route);
  read_respond(reader, route);
  read_to(reader, route);
  std::vector<std::string_view> given;
  std::ranges::copy_if(kActions, std::back_inserter(given), [&](std::string_view key) { return reader.has(key); });
  if (given.empty()) {
    reader.need({kActions.begin(), kActions.end()}, reader.location(),
                std::format("a route needs one of {}", one_of(kActions)));
  } else if (given.size() > 1) {
    reader.error(given[1], std::format("{} beside {}: a route has exactly one of {}", in_quotes(given[1]),
                                       in_quotes(given[0]), one_of(kActions)));
  }
}

void read_header_edits(TableReader& reader, HeaderEdits& edits) {
  read_header_fields(reader, "set", edits.set, Edit::kSet);
  read_header_fields(reader, "add", edits.add, Edit::kSet);
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
    const auto read_rate = [&](std::string_view key, std::optional<std::uint32_t>& value) {
      std::uint32_t rate = 0;
      if (read_min_rate(table, key, rate)) value = rate;
    };
    read_rate("min_request_rate", route.limits.min_request_rate);
    read_rate("min_response_rate", route.limits.min_response_rate);
    std::uint64_t bandwidth = 0;
    if (read_bandwidth(table, bandwidth)) route.limits.bandwidth = bandwidth;
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
    read("tunnel", route.timeouts.tunnel);
  });
}

void read_ranges(TableReader& reader, std::string_view key, std::vector<AddressRange>& ranges) {
  reader.strings(key, [&](const std::string& text, const Location& where) {
    if (text == "all") {
      return reader.error(where,
                          std::format(R"({}: "all" is no address range; what "allow" does not list is refused by )"
                                      R"(itself, and all addresses are "0.0.0.0/0" and "::/0")",
                                      in_quotes(key)));
    }
    if (const auto range = AddressRange::parse(text)) {
      ranges.push_back(*range);
    } else {
      reader.error(where, std::format("{}: {}", in_quotes(key), range.error().message));
    }
  });
}

void read_upgrade(TableReader& reader, std::vector<std::string>& tokens) {
  if (reader.has("upgrade")) tokens.clear();
  reader.strings("upgrade", [&](const std::string& token, const Location& where) {
    const std::string lower = text::lower(token);
    if (!check_header_name(token, Edit::kSet)) {
      reader.error(where, std::format("{} is no protocol: write a name as in the header Upgrade, such as \"websocket\"",
                                      in_quotes(token)));
    } else if (lower == "h2c" || lower == "http") {
      reader.error(where,
                   std::format("{} is a version of HTTP: a listener's \"protocols\" are for that", in_quotes(token)));
    } else {
      tokens.push_back(lower);
    }
  });
}

// A route cannot do without HTTP/1.1: it is what everybody speaks, and what h2 and h3 fall back to.
void read_protocols(TableReader& reader, bool& h1_only) {
  std::size_t others = 0;
  reader.strings("protocols", [&](const std::string& word, const Location& where) {
    if (word == "h1" && !h1_only) {
      h1_only = true;
    } else if (others++ == 0) {
      reader.error(where,
                   std::format(R"("protocols" of a route is ["h1"], by which h2 and h3 are told to come back with )"
                               R"(HTTP/1.1, or [] for what its listeners speak; not {})",
                               in_quotes(word)));
    }
  });
}

// They say what a client may need besides a response of an endpoint.
void read_look_ahead(TableReader& reader, Route& route) {
  const bool forwards = std::holds_alternative<Forward>(route.action);
  for (const auto& [key, value] : {std::pair("push", &route.push), std::pair("early_hints", &route.early_hints)}) {
    if (!reader.read(key, *value) || !*value || forwards) continue;
    reader.error(key, std::format("{} is for what an endpoint says: it can have no effect on a route without \"to\"",
                                  in_quotes(key)));
  }
}

// What is stored is for everybody, whoever asked for it first.
void read_cache(TableReader& reader, Route& route) {
  reader.read("cache", route.cache, kCachingNames);
  reader.read("cache_obeys_clients", route.cache_obeys_clients);
  if (route.cache_obeys_clients && route.cache == Caching::kOff) {
    reader.warning("cache_obeys_clients", R"("cache_obeys_clients" has no effect without "cache")");
  }
  if (route.cache == Caching::kOff) return;
  if (!std::holds_alternative<Forward>(route.action)) {
    reader.error("cache", R"("cache" is for what an endpoint says: it can have no effect on a route without "to")");
  }
  for (const std::string_view key : {"connection_auth", "auth"}) {
    const bool asks_who = key == "auth" ? reader.has(key) : route.connection_auth;
    if (!asks_who) continue;
    reader.error("cache", std::format(R"("cache" beside {}: what one client may see would be kept for all; leave one )"
                                      "of them out",
                                      in_quotes(key)));
  }
  if (route.grpc != Grpc::kOff) reader.error("cache", R"("cache" keeps no gRPC; leave out "cache", or "grpc")");
}

// What is done to a request on its way to an endpoint means nothing on a route that has none.
void warn_of_idle_keys(TableReader& reader, const Route& route) {
  if (std::holds_alternative<Forward>(route.action)) return;
  if (reader.has("strip_prefix") && std::holds_alternative<Respond>(route.action)) {
    reader.warning("strip_prefix", R"("strip_prefix" has no effect on a route with "respond")");
  }
  const bool waits = std::holds_alternative<Files>(route.action);
  for (const std::string_view key : {"preserve_host", "path_as", "rewrite", "forwarded", "real_ip", "upgrade",
                                     "connection_auth", "grpc", "request_headers", "timeouts"}) {
    if (reader.has(key) && !(waits && key == "timeouts"))
      reader.warning(key, std::format("{} has no effect on a route without \"to\"", in_quotes(key)));
  }
}

}  // namespace

void read_header_fields(TableReader& reader, std::string_view key,
                        std::vector<std::pair<std::string, std::string>>& fields, Edit edit) {
  reader.named_strings(key, [&](const std::string& name, const std::string& value, const Location& where) {
    const auto good_name = check_header_name(name, edit);
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

void read_route(TableReader& reader, Route& route) {
  route.location = reader.location();
  const bool good_hosts = read_hosts(reader, route.hosts);
  const bool good_path = read_route_path(reader, route.path);
  if (!good_hosts || !good_path) route.path.clear();  // no path: what it matches is not known
  read_action(reader, route);
  reader.read("strip_prefix", route.strip_prefix);
  reader.read("preserve_host", route.preserve_host);
  reader.read("path_as", route.path_as, kPathAsNames);
  reader.read("redirect_to_https", route.redirect_to_https);
  reader.read("forwarded", route.forwarded, kForwardedNames);
  reader.read("real_ip", route.real_ip);
  reader.read("half_closed", route.half_closed, kHalfClosedNames);
  read_upgrade(reader, route.upgrade);
  read_protocols(reader, route.h1_only);
  reader.read("connection_auth", route.connection_auth);
  reader.read("grpc", route.grpc, kGrpcNames);
  read_look_ahead(reader, route);
  read_cache(reader, route);
  read_rewrite(reader, route.rewrite);
  read_ranges(reader, "allow", route.allow);
  read_ranges(reader, "deny", route.deny);
  read_auth(reader, route);
  reader.table("request_headers", [&](TableReader& table) { read_header_edits(table, route.request_headers); });
  reader.table("response_headers", [&](TableReader& table) { read_header_edits(table, route.response_headers); });
  read_overrides(reader, route);
  warn_of_idle_keys(reader, route);
}

}  // namespace gatehouse::config
