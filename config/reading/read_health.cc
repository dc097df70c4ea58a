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
#include "config/target_rules.h"

namespace gatehouse::config {

namespace {

constexpr std::uint64_t kLowestStatus = 200;
constexpr std::uint64_t kHighestStatus = 599;
constexpr std::uint32_t kMostInARow = 1000;

std::optional<std::uint16_t> status_of(std::string_view text) {
  const auto number = text::parse_decimal(text);
  if (!number || *number < kLowestStatus || *number > kHighestStatus) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

// "200-399", or "204" alone.
void read_expect(TableReader& reader, HealthOptions& health) {
  std::string text;
  if (!reader.read("expect", text)) return;
  const std::string_view view = text;
  const std::size_t dash = view.find('-');
  const auto first = status_of(view.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : status_of(view.substr(dash + 1));
  if (!first || !last || *first > *last) {
    reader.error(
        "expect",
        std::format(R"("expect" must be a status from {} to {} or a range of them, such as "204" or "200-399", not {})",
                    kLowestStatus, kHighestStatus, in_quotes(text)));
    return;
  }
  health.expect_first = *first;
  health.expect_last = *last;
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
  reader.read("interval", health.interval);
  reader.read("timeout", health.timeout);
  reader.read("unhealthy_after", health.unhealthy_after, {.min = 1, .max = kMostInARow});
  reader.read("healthy_after", health.healthy_after, {.min = 1, .max = kMostInARow});
  read_expect(reader, health);
  reader.read("initial", health.initial, kInitialHealthNames);
  const bool has_slow_start = reader.read("slow_start", balancing.slow_start, {.min = milliseconds(0)});
  // A slow start is also for endpoints that come back from elsewhere: ejected ones, restarted apps.
  if (!reader.has("path") && !has_slow_start) {
    reader.warning(reader.location(), R"(health checks are off without path = "/healthz")");
  }
}

void read_outlier(TableReader& reader, OutlierOptions& outlier) {
  constexpr std::uint32_t kAll = 100;  // percent
  reader.read("consecutive_failures", outlier.consecutive_failures);
  reader.read("eject_for", outlier.eject_for);
  reader.read("max_ejected", outlier.max_ejected, {.min = 1, .max = kAll});
}

}  // namespace gatehouse::config
