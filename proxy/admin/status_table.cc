#include "proxy/admin/status_table.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "common/text.h"
#include "proxy/admin/status_grid.h"

namespace gatehouse {
namespace {

using Parsed = nlohmann::json;
using Align = TextGrid::Align;

std::string milliseconds_text(const Parsed& value) {
  if (!value.is_number()) return "-";
  const auto number = value.get<double>();
  if (number < 10) return std::format("{:.2f} ms", number);
  if (number < 1000) return std::format("{:.0f} ms", number);
  return std::format("{:.1f} s", number / 1000);
}

std::string rate_text(double rate) {
  return rate < 100 ? std::format("{:.1f}", rate) : std::format("{:.0f}", rate);
}

std::string bytes_text(std::uint64_t bytes) {
  return bytes == 0 ? "-" : std::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

// "2026-01-31T13:05:09.123Z" -> "2026-01-31 13:05:09"
std::string time_text(const Parsed& value) {
  std::string text = value.get<std::string>().substr(0, 19);
  if (text.size() > 10) text[10] = ' ';
  return text;
}

std::string text_or(const Parsed& value, std::string_view otherwise) {
  return value.is_string() ? value.get<std::string>() : std::string(otherwise);
}

Tone tone_of_state(const std::string& state) {
  if (state == "available" || state == "serving" || state == "ready") return Tone::kGood;
  if (state == "unhealthy" || state == "parked" || state == "backoff" || state == "ejected" || state == "lost" ||
      state == "failing") {
    return Tone::kBad;
  }
  return Tone::kDoubtful;
}

Tone tone_of_level(const std::string& level) {
  if (level == "ok") return Tone::kGood;
  return level == "critical" ? Tone::kBad : Tone::kDoubtful;
}

void add_head(TextPage& page, const Parsed& status) {
  const Parsed& program = status.at("program");
  const Parsed& configuration = status.at("configuration");
  const std::string state = status.at("state");
  page.line({{"gatehouse " + text_or(program.at("version"), "?") + "  ", Tone::kPlain},
             {state == "draining" ? "DRAINING" : state, state == "serving" ? Tone::kGood : Tone::kDoubtful},
             {std::format("  up {}  pid {}  workers {}", age_text(program.at("uptime_seconds")),
                          program.at("pid").get<int>(), program.at("workers").get<int>()),
              Tone::kPlain}});
  page.line(
      {{std::format("configuration {}, generation {}, in force since {} UTC",
                    text_or(configuration.at("file"), "from the command line"),
                    configuration.at("generation").get<std::uint64_t>(), time_text(configuration.at("in_force_since"))),
        Tone::kPlain}});
  const Parsed& reload = configuration.at("last_reload");
  if (!reload.at("success").get<bool>()) {
    page.line({{std::format("THE LAST RELOAD FAILED at {} UTC", time_text(reload.at("time"))), Tone::kBad}});
  }
  for (const Parsed& diagnostic : reload.at("diagnostics")) page.line({{"  " + text_or(diagnostic, ""), Tone::kPlain}});
}

void add_verdict(TextPage& page, const Parsed& status) {
  const Parsed& reasons = status.at("verdict").at("reasons");
  if (reasons.empty()) return;
  page.heading("attention");
  for (const Parsed& reason : reasons) {
    const std::string level = reason.at("level");
    page.line({{"  " + level + "  ", tone_of_level(level)},
               {text_or(reason.at("subject"), "") + ": " + text_or(reason.at("text"), ""), Tone::kPlain}});
  }
}

void add_traffic(TextPage& page, const Parsed& status) {
  const Parsed& traffic = status.at("traffic");
  page.heading(std::format("traffic, last {} s", traffic.at("window_seconds").get<int>()));
  TextGrid grid({{"", Align::kLeft},
                 {"req/s", Align::kRight},
                 {"errors/s", Align::kRight},
                 {"p50", Align::kRight},
                 {"p99", Align::kRight},
                 {"in flight", Align::kRight},
                 {"tunnels", Align::kRight},
                 {"requests", Align::kRight},
                 {"errors", Align::kRight}});
  const auto add = [&grid](const std::string& name, const Parsed& figures) {
    const auto errors = figures.at("errors_per_second").get<double>();
    grid.row({{name},
              {rate_text(figures.at("requests_per_second"))},
              {rate_text(errors), errors > 0 ? Tone::kBad : Tone::kPlain},
              {milliseconds_text(figures.at("p50_ms"))},
              {milliseconds_text(figures.at("p99_ms"))},
              {std::to_string(figures.at("in_flight").get<std::uint64_t>())},
              {std::to_string(figures.value("tunnels", std::uint64_t{0}))},
              {std::to_string(figures.at("requests_total").get<std::uint64_t>())},
              {std::to_string(figures.at("errors_total").get<std::uint64_t>())}});
  };
  for (const auto& [name, figures] : traffic.at("protocols").items()) add(name, figures);
  add("all", traffic.at("total"));
  page.add(grid, 2);
}

void add_cache(TextPage& page, const Parsed& status) {
  const Parsed cache = status.value("cache", Parsed());
  if (cache.is_null()) return;
  std::uint64_t hits = 0;
  std::uint64_t requests = 0;
  for (const Parsed& route : status.at("routes")) {
    if (route.at("cache").is_null()) continue;
    hits += route.at("cache").at("hits_total").get<std::uint64_t>();
    requests += route.at("cache").at("requests_total").get<std::uint64_t>();
  }
  page.heading("cache");
  page.line(
      {{std::format("  {} of {}, {} responses, {} evicted; {} of {} requests were hits",
                    bytes_text(cache.at("bytes").get<std::uint64_t>()),
                    bytes_text(cache.at("bytes_limit").get<std::uint64_t>()), cache.at("entries").get<std::uint64_t>(),
                    cache.at("evictions_total").get<std::uint64_t>(), hits, requests),
        Tone::kPlain}});
}

std::string joined(const Parsed& words) {
  std::string all;
  for (const Parsed& word : words) text::add_to_list(all, text_or(word, ""), " ");
  return all;
}

// What answers say, or what the listener does instead.
TextSpan alt_svc_cell(const Parsed& listener) {
  const Parsed& state = listener.at("alt_svc_state");
  const std::string other = listener.at("redirects_to_https").get<bool>() ? "redirects to https" : "-";
  return {text_or(listener.at("alt_svc"), state.is_null() ? other : text_or(state.at("standing"), ""))};
}

// Why clients are not told of HTTP/3; empty where they are, or nothing is known yet.
std::string not_advertised(const Parsed& listener) {
  const Parsed& state = listener.at("alt_svc_state");
  if (state.is_null() || text_or(state.at("standing"), "") == "advertised" || state.at("reason").is_null()) return {};
  return "HTTP/3 is not advertised: " + text_or(state.at("reason"), "");
}

void add_listeners(TextPage& page, const Parsed& status) {
  page.heading("listeners");
  TextGrid grid({{"address"}, {"scheme"}, {"protocols"}, {"connections", Align::kRight}, {"alt-svc"}});
  for (const Parsed& listener : status.at("listeners")) {
    grid.row({{text_or(listener.at("address"), "")},
              {text_or(listener.at("scheme"), "")},
              {joined(listener.at("protocols"))},
              {std::to_string(listener.at("connections").get<std::uint64_t>())},
              alt_svc_cell(listener)});
    if (const std::string why = not_advertised(listener); !why.empty()) grid.note({why, Tone::kDoubtful});
    for (const Parsed& certificate : listener.at("certificates")) {
      const auto left = certificate.at("expires_in_seconds").get<std::int64_t>();
      const bool overdue = certificate.at("renewal_due_in_seconds").get<std::int64_t>() <= 0;
      const Tone tone = left <= 0 ? Tone::kBad : overdue ? Tone::kDoubtful : Tone::kPlain;
      const std::string when = time_text(certificate.at("expires")).substr(0, 10);
      grid.note({joined(certificate.at("names")) + (left <= 0 ? ": EXPIRED on " : ": expires on ") + when +
                     (left > 0 ? ", in " + age_text(left) : ""),
                 tone});
    }
  }
  page.add(grid, 2);
}

// The share of 5xx and of no response, over the last minute.
TextSpan error_cell(const Parsed& recent) {
  const auto requests = recent.at("requests_per_second_1m").get<double>();
  const auto errors = recent.at("errors_per_second_1m").get<double>();
  if (requests <= 0) return {"-"};
  return {std::format("{:.1f} %", 100 * errors / requests), errors > 0 ? Tone::kBad : Tone::kPlain};
}

void add_upstream(TextPage& page, const Parsed& upstream) {
  const std::size_t count = upstream.at("endpoints").size();
  const auto well = upstream.at("endpoints_well").get<std::size_t>();
  page.line({{"  " + text_or(upstream.at("name"), "") + "  ", Tone::kStrong},
             {std::format("{}  ", text_or(upstream.at("balance"), "")), Tone::kPlain},
             {std::format("{} of {} well", well, count), well == count ? Tone::kPlain : Tone::kBad},
             {std::format("  waiting {}", upstream.at("waiting").get<std::uint64_t>()), Tone::kPlain}});
  if (count == 0 && !upstream.at("why").is_null())
    page.line({{"    " + text_or(upstream.at("why"), ""), Tone::kDoubtful}});
  if (count == 0) return;
  TextGrid grid({{"endpoint"},
                 {"state"},
                 {"req/s", Align::kRight},
                 {"1 min", Align::kRight},
                 {"5xx", Align::kRight},
                 {"p50", Align::kRight},
                 {"p99", Align::kRight},
                 {"in flight", Align::kRight},
                 {"connections", Align::kRight},
                 {"weight", Align::kRight}});
  for (const Parsed& endpoint : upstream.at("endpoints")) {
    const std::string state = endpoint.at("state");
    const Parsed& connections = endpoint.at("connections");
    const Parsed& recent = endpoint.at("recent");
    grid.row(
        {{text_or(endpoint.at("name"), "")},
         {state, tone_of_state(state)},
         {rate_text(recent.at("requests_per_second"))},
         {rate_text(recent.at("requests_per_second_1m"))},
         error_cell(recent),
         {milliseconds_text(recent.at("p50_ms"))},
         {milliseconds_text(recent.at("p99_ms"))},
         {std::to_string(endpoint.at("in_flight").get<std::uint64_t>())},
         {std::to_string(connections.at("idle").get<std::uint64_t>() + connections.at("active").get<std::uint64_t>())},
         {std::to_string(endpoint.at("weight").get<std::uint64_t>())}});
    if (!endpoint.at("why").is_null()) grid.note({text_or(endpoint.at("why"), ""), tone_of_state(state)});
  }
  page.add(grid, 4);
}

void add_app(TextPage& page, const Parsed& app) {
  const std::string state = app.at("state");
  page.line({{"  " + text_or(app.at("name"), "") + "  ", Tone::kStrong},
             {state, app.at("well").get<bool>() && state == "stopped" ? Tone::kPlain : tone_of_state(state)},
             {std::format("  restarts {}  last exit {}", app.at("restarts").get<std::uint64_t>(),
                          text_or(app.at("last_exit"), "-")),
              Tone::kPlain}});
  if (!app.at("why").is_null()) page.line({{"    " + text_or(app.at("why"), ""), tone_of_state(state)}});
  if (!app.at("next_recycle").is_null()) {
    page.line({{"    recycled next at " + text_or(app.at("next_recycle"), ""), Tone::kPlain}});
  }
  for (const Parsed& line : app.at("last_output")) page.line({{"      | " + text_or(line, ""), Tone::kPlain}});
  if (app.at("instances").empty()) return;
  TextGrid grid({{"instance"},
                 {"state"},
                 {"pid", Align::kRight},
                 {"generation", Align::kRight},
                 {"for", Align::kRight},
                 {"memory", Align::kRight}});
  for (const Parsed& instance : app.at("instances")) {
    const std::string doing = instance.at("state");
    grid.row({{std::format("{}#{}", text_or(app.at("name"), ""), instance.at("slot").get<int>())},
              {doing, tone_of_state(doing)},
              {std::to_string(instance.at("pid").get<int>())},
              {std::to_string(instance.at("generation").get<std::uint64_t>())},
              {age_text(instance.at("seconds_in_state"))},
              {bytes_text(instance.at("resident_bytes"))}});
  }
  page.add(grid, 4);
}

void add_registrations(TextPage& page, const Parsed& status) {
  const Parsed registrations = status.value("registrations", Parsed::array());
  if (registrations.empty()) return;
  page.heading("registrations");
  TextGrid grid({{"prefix"},
                 {"user", Align::kRight},
                 {"pid", Align::kRight},
                 {"leads to"},
                 {"requests", Align::kRight},
                 {"in flight", Align::kRight}});
  for (const Parsed& each : registrations) {
    grid.row({{text_or(each.at("prefix"), ""), each.at("why").is_null() ? Tone::kPlain : Tone::kDoubtful},
              {std::to_string(each.at("user").get<std::uint64_t>())},
              {each.at("pid").is_number() ? std::to_string(each.at("pid").get<int>()) : "-"},
              {text_or(each.at("target"), "")},
              {std::to_string(each.at("requests_total").get<std::uint64_t>())},
              {std::to_string(each.at("in_flight").get<std::uint64_t>())}});
    if (!each.at("why").is_null()) grid.note({text_or(each.at("why"), ""), Tone::kDoubtful});
  }
  page.add(grid, 2);
}

void add_faults(TextPage& page, const Parsed& status) {
  constexpr std::size_t kShown = 10;
  const Parsed& faults = status.at("faults");
  if (faults.empty()) return;
  page.heading("last faults");
  TextGrid grid({{"time (UTC)"}, {"fault"}, {"blame"}, {"status"}, {"route"}, {"endpoint"}, {"request id"}});
  for (std::size_t i = 0; i < std::min(kShown, faults.size()); ++i) {
    const Parsed& fault = faults[i];
    grid.row({{time_text(fault.at("time"))},
              {text_or(fault.at("fault"), ""), fault.at("blame") == "client" ? Tone::kPlain : Tone::kBad},
              {text_or(fault.at("blame"), "")},
              {fault.at("status").is_number() ? std::to_string(fault.at("status").get<int>()) : "-"},
              {text_or(fault.at("route"), "-")},
              {text_or(fault.at("endpoint"), text_or(fault.at("upstream"), "-"))},
              {text_or(fault.at("request_id"), "-")}});
  }
  page.add(grid, 2);
}

std::string table_of(const Parsed& status, TableColours colours) {
  TextPage page(colours == TableColours::kAnsi);
  add_head(page, status);
  add_verdict(page, status);
  add_traffic(page, status);
  add_listeners(page, status);
  if (!status.at("upstreams").empty()) page.heading("upstreams");
  for (const Parsed& upstream : status.at("upstreams")) add_upstream(page, upstream);
  if (!status.at("apps").empty()) page.heading("apps");
  for (const Parsed& app : status.at("apps")) add_app(page, app);
  add_cache(page, status);
  add_registrations(page, status);
  add_faults(page, status);
  return page.take();
}

}  // namespace

Result<std::string> status_table(std::string_view json, TableColours colours) {
  // The library tells of a value that is missing or of another type by exceptions: they end here.
  try {
    const Parsed status = Parsed::parse(json);
    if (!status.is_object() || status.at("schema") != 1) return failure("this status has a schema of another version");
    return table_of(status, colours);
  } catch (const Parsed::exception& error) {
    return failure(std::format("the status cannot be read: {}", error.what()));
  }
}

}  // namespace gatehouse
