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

using Json = nlohmann::json;
using Align = TextGrid::Align;

std::string age_text(std::int64_t seconds) {
  if (seconds < 60) return std::format("{}s", seconds);
  if (seconds < 3600) return std::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return std::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
  return std::format("{}d{:02}h", seconds / 86'400, seconds / 3600 % 24);
}

std::string milliseconds_text(const Json& value) {
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
std::string time_text(const Json& value) {
  std::string text = value.get<std::string>().substr(0, 19);
  if (text.size() > 10) text[10] = ' ';
  return text;
}

std::string text_or(const Json& value, std::string_view otherwise) {
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

void add_head(TextPage& page, const Json& status) {
  const Json& program = status.at("program");
  const Json& configuration = status.at("configuration");
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
  const Json& reload = configuration.at("last_reload");
  if (!reload.at("success").get<bool>()) {
    page.line({{std::format("THE LAST RELOAD FAILED at {} UTC", time_text(reload.at("time"))), Tone::kBad}});
  }
  for (const Json& diagnostic : reload.at("diagnostics")) page.line({{"  " + text_or(diagnostic, ""), Tone::kPlain}});
}

void add_verdict(TextPage& page, const Json& status) {
  const Json& reasons = status.at("verdict").at("reasons");
  if (reasons.empty()) return;
  page.heading("attention");
  for (const Json& reason : reasons) {
    const std::string level = reason.at("level");
    page.line({{"  " + level + "  ", tone_of_level(level)},
               {text_or(reason.at("subject"), "") + ": " + text_or(reason.at("text"), ""), Tone::kPlain}});
  }
}

void add_traffic(TextPage& page, const Json& status) {
  const Json& traffic = status.at("traffic");
  page.heading(std::format("traffic, last {} s", traffic.at("window_seconds").get<int>()));
  TextGrid grid({{"", Align::kLeft},
                 {"req/s", Align::kRight},
                 {"errors/s", Align::kRight},
                 {"p50", Align::kRight},
                 {"p99", Align::kRight},
                 {"in flight", Align::kRight},
                 {"requests", Align::kRight},
                 {"errors", Align::kRight}});
  const auto add = [&grid](const std::string& name, const Json& figures) {
    const auto errors = figures.at("errors_per_second").get<double>();
    grid.row({{name},
              {rate_text(figures.at("requests_per_second"))},
              {rate_text(errors), errors > 0 ? Tone::kBad : Tone::kPlain},
              {milliseconds_text(figures.at("p50_ms"))},
              {milliseconds_text(figures.at("p99_ms"))},
              {std::to_string(figures.at("in_flight").get<std::uint64_t>())},
              {std::to_string(figures.at("requests_total").get<std::uint64_t>())},
              {std::to_string(figures.at("errors_total").get<std::uint64_t>())}});
  };
  for (const auto& [name, figures] : traffic.at("protocols").items()) add(name, figures);
  add("all", traffic.at("total"));
  page.add(grid, 2);
}

std::string joined(const Json& words) {
  std::string all;
  for (const Json& word : words) text::add_to_list(all, text_or(word, ""), " ");
  return all;
}

void add_listeners(TextPage& page, const Json& status) {
  page.heading("listeners");
  TextGrid grid({{"address"}, {"scheme"}, {"protocols"}, {"connections", Align::kRight}, {"alt-svc"}});
  for (const Json& listener : status.at("listeners")) {
    grid.row({{text_or(listener.at("address"), "")},
              {text_or(listener.at("scheme"), "")},
              {joined(listener.at("protocols"))},
              {std::to_string(listener.at("connections").get<std::uint64_t>())},
              {text_or(listener.at("alt_svc"),
                       listener.at("redirects_to_https").get<bool>() ? "redirects to https" : "-")}});
    for (const Json& certificate : listener.at("certificates")) {
      const auto left = certificate.at("expires_in_seconds").get<std::int64_t>();
      const Tone tone = left <= 0 ? Tone::kBad : left < 7 * 86'400 ? Tone::kDoubtful : Tone::kPlain;
      const std::string when = time_text(certificate.at("expires")).substr(0, 10);
      grid.note({joined(certificate.at("names")) + (left <= 0 ? ": EXPIRED on " : ": expires on ") + when +
                     (left > 0 ? ", in " + age_text(left) : ""),
                 tone});
    }
  }
  page.add(grid, 2);
}

void add_upstream(TextPage& page, const Json& upstream) {
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
                 {"in flight", Align::kRight},
                 {"requests", Align::kRight},
                 {"connections", Align::kRight},
                 {"weight", Align::kRight}});
  for (const Json& endpoint : upstream.at("endpoints")) {
    const std::string state = endpoint.at("state");
    const Json& connections = endpoint.at("connections");
    grid.row(
        {{text_or(endpoint.at("name"), "")},
         {state, tone_of_state(state)},
         {std::to_string(endpoint.at("in_flight").get<std::uint64_t>())},
         {std::to_string(endpoint.at("requests_total").get<std::uint64_t>())},
         {std::to_string(connections.at("idle").get<std::uint64_t>() + connections.at("active").get<std::uint64_t>())},
         {std::to_string(endpoint.at("weight").get<std::uint64_t>())}});
    if (!endpoint.at("why").is_null()) grid.note({text_or(endpoint.at("why"), ""), tone_of_state(state)});
  }
  page.add(grid, 4);
}

void add_app(TextPage& page, const Json& app) {
  const std::string state = app.at("state");
  page.line({{"  " + text_or(app.at("name"), "") + "  ", Tone::kStrong},
             {state, app.at("well").get<bool>() && state == "stopped" ? Tone::kPlain : tone_of_state(state)},
             {std::format("  restarts {}", app.at("restarts").get<std::uint64_t>()), Tone::kPlain}});
  if (!app.at("why").is_null()) page.line({{"    " + text_or(app.at("why"), ""), tone_of_state(state)}});
  for (const Json& line : app.at("last_output")) page.line({{"      | " + text_or(line, ""), Tone::kPlain}});
  if (app.at("instances").empty()) return;
  TextGrid grid({{"instance"},
                 {"state"},
                 {"pid", Align::kRight},
                 {"generation", Align::kRight},
                 {"for", Align::kRight},
                 {"memory", Align::kRight}});
  for (const Json& instance : app.at("instances")) {
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

void add_faults(TextPage& page, const Json& status) {
  constexpr std::size_t kShown = 10;
  const Json& faults = status.at("faults");
  if (faults.empty()) return;
  page.heading("last faults");
  TextGrid grid({{"time (UTC)"}, {"fault"}, {"blame"}, {"status"}, {"route"}, {"endpoint"}, {"request id"}});
  for (std::size_t i = 0; i < std::min(kShown, faults.size()); ++i) {
    const Json& fault = faults[i];
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

std::string table_of(const Json& status, TableColours colours) {
  TextPage page(colours == TableColours::kAnsi);
  add_head(page, status);
  add_verdict(page, status);
  add_traffic(page, status);
  add_listeners(page, status);
  if (!status.at("upstreams").empty()) page.heading("upstreams");
  for (const Json& upstream : status.at("upstreams")) add_upstream(page, upstream);
  if (!status.at("apps").empty()) page.heading("apps");
  for (const Json& app : status.at("apps")) add_app(page, app);
  add_faults(page, status);
  return page.take();
}

}  // namespace

Result<std::string> status_table(std::string_view json, TableColours colours) {
  // The library tells of a value that is missing or of another type by exceptions: they end here.
  try {
    const Json status = Json::parse(json);
    if (!status.is_object() || status.at("schema") != 1) return failure("this status has a schema of another version");
    return table_of(status, colours);
  } catch (const Json::exception& error) {
    return failure(std::format("the status cannot be read: {}", error.what()));
  }
}

}  // namespace gatehouse
