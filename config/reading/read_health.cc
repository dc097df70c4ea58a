#include <cstddef>
#include <cstdint>
#include <format>
#include <optional>
#include <string>
#include <string_view>

#include "common/text.h"
#include "config/names.h"
#include "config/quoting.h"
#include "config/reading/sections.h"
#include "config/route_rules.h"
#include "config/target_rules.h"

namespace gatehouse::config {

namespace {

constexpr std::uint32_t kMostInARow = 1000;

struct StatusRange {
  std::uint16_t first;
  std::uint16_t last;
};

std::optional<std::uint16_t> status_of(std::string_view text, const StatusRange& allowed) {
  const auto number = text::parse_decimal(text);
  if (!number || *number < allowed.first || *number > allowed.last) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

// "200-399", or "204" alone.
std::optional<StatusRange> statuses_of(std::string_view text, const StatusRange& allowed) {
  const std::size_t dash = text.find('-');
  const auto first = status_of(text.substr(0, dash), allowed);
  const auto last = dash == std::string_view::npos ? first : status_of(text.substr(dash + 1), allowed);
  if (!first || !last || *first > *last) return std::nullopt;
  return StatusRange{.first = *first, .last = *last};
}

void read_expect(TableReader& reader, HealthOptions& health) {
  constexpr StatusRange kAllowed{.first = kLowestStatus, .last = kHighestStatus};
  std::string text;
  if (!reader.read("expect", text)) return;
  const auto expected = statuses_of(text, kAllowed);
  if (!expected) {
    reader.error(
        "expect",
        std::format(R"("expect" must be a status from {} to {} or a range of them, such as "204" or "200-399", not {})",
                    kAllowed.first, kAllowed.last, in_quotes(text)));
    return;
  }
  health.expect_first = expected->first;
  health.expect_last = expected->last;
}

void read_statuses(TableReader& reader, StatusSet& statuses) {
  constexpr StatusRange kAllowed{.first = StatusSet::kFirst, .last = StatusSet::kLast};
  StatusSet read;
  const bool given = reader.strings("statuses", [&](const std::string& text, const Location& where) {
    if (const auto range = statuses_of(text, kAllowed)) {
      read.add(range->first, range->last);
    } else {
      reader.error(
          where,
          std::format(
              R"("statuses" must list statuses from {} to {} or ranges of them, such as "500" or "502-504", not {})",
              kAllowed.first, kAllowed.last, in_quotes(text)));
    }
  });
  if (given) statuses = read;
}

// A name or an address, and perhaps a port: what a client writes.
void read_host(TableReader& reader, std::string& host) {
  std::string text;
  if (!reader.read("host", text) || text.empty()) return;
  constexpr std::uint64_t kHighestPort = 65535;
  const std::size_t colon = text.rfind(':');
  const bool has_port = colon != std::string::npos && !text.substr(colon).contains(']');
  const auto port = has_port ? text::parse_decimal(text.substr(colon + 1)) : std::optional<std::uint64_t>(1);
  const auto name = normalised_host(has_port ? std::string_view(text).substr(0, colon) : text);
  if (!name || name->starts_with('*') || !port || *port == 0 || *port > kHighestPort) {
    reader.error("host", std::format(R"("host" must be what clients call it, such as "shop.example.com", not {})",
                                     in_quotes(text)));
    return;
  }
  host = text;
}

}  // namespace

void read_health(TableReader& reader, Balancing& balancing) {
  HealthOptions& health = balancing.health;
  std::string path;
  if (reader.read("path", path) && !path.empty()) {
    const auto checked = check_request_path(path);
    if (checked) {
      health.path = path;
    } else {
      reader.error("path", std::format("\"path\": {}", checked.error().message));
    }
  }
  read_host(reader, health.host);
  read_header_fields(reader, "headers", health.headers, Edit::kAsk);
  reader.read("interval", health.interval);
  reader.read("timeout", health.timeout);
  reader.read("unhealthy_after", health.unhealthy_after, {.min = 1, .max = kMostInARow});
  reader.read("healthy_after", health.healthy_after, {.min = 1, .max = kMostInARow});
  read_expect(reader, health);
  reader.read("initial", health.initial, kInitialHealthNames);
  const bool has_slow_start = reader.read("slow_start", balancing.slow_start, {.min = milliseconds(0)});
  // A slow start is also for endpoints that come back from elsewhere: ejected ones, restarted apps. An app is asked for
  // other paths as well.
  const bool says_how = reader.has("host") || reader.has("headers");
  if (!reader.has("path") && !has_slow_start && !says_how) {
    reader.warning(reader.location(), R"(health checks are off without path = "/healthz")");
  }
}

void read_outlier(TableReader& reader, OutlierOptions& outlier) {
  constexpr std::uint32_t kAll = 100;  // percent
  reader.read("consecutive_failures", outlier.consecutive_failures);
  read_statuses(reader, outlier.statuses);
  reader.read("eject_for", outlier.eject_for);
  reader.read("max_ejected", outlier.max_ejected, {.min = 1, .max = kAll});
}

}  // namespace gatehouse::config
