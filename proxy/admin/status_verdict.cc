// What of the status a person should know first. Looks only at what /status.json says already, so that every reason can
// be followed up there.
#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/admin/status_json.h"

namespace gatehouse::status_parts {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostReasons = 20;
constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kExpiresSoon = 7 * kDay;
constexpr double kManyErrors = 0.05;   // of the requests in the window
constexpr double kEnoughErrors = 0.5;  // a second: a few are no trend

class Verdict {
 public:
  void add(std::string_view level, std::string subject, std::string text) {
    reasons_.push_back({{"level", level}, {"subject", std::move(subject)}, {"text", std::move(text)}});
    if (level_ != "critical") level_ = level;
  }
  // The gravest first; so many that a person can read them.
  Json take() {
    std::ranges::stable_sort(reasons_, std::ranges::greater(),
                             [](const Json& one) { return one["level"] == "critical"; });
    if (reasons_.size() > kMostReasons) {
      const std::string level = reasons_[kMostReasons]["level"];
      const std::size_t more = reasons_.size() - kMostReasons;
      reasons_.resize(kMostReasons);
      add(level, "and more", std::format("{} more like these", more));
    }
    return {{"level", level_}, {"reasons", std::move(reasons_)}};
  }

 private:
  std::string_view level_ = "ok";
  Json::array_t reasons_;
};

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

void judge_apps(const Json& status, Verdict& verdict) {
  for (const Json& app : status["apps"]) {
    if (app["well"].get<bool>()) continue;
    const std::string state = app["state"];
    const bool down = state == "parked" || state == "backoff";
    verdict.add(down ? "critical" : "warning", "app " + text_of(app["name"]),
                std::format("{}: {}", state, text_of(app["why"])));
  }
}

void judge_upstream(const Json& upstream, Verdict& verdict) {
  const std::string subject = "upstream " + text_of(upstream["name"]);
  const bool app = upstream["kind"] == "app";
  const std::size_t count = upstream["endpoints"].size();
  const auto well = upstream["endpoints_well"].get<std::size_t>();
  if (count == 0 && !app && !upstream["why"].is_null()) verdict.add("critical", subject, text_of(upstream["why"]));
  for (const Json& endpoint : upstream["endpoints"]) {
    if (endpoint["well"].get<bool>() || endpoint["state"] == "draining") continue;
    verdict.add(
        well == 0 ? "critical" : "warning", subject,
        std::format("{} is {}: {}", text_of(endpoint["name"]), text_of(endpoint["state"]), text_of(endpoint["why"])));
  }
  if (upstream["waiting"].get<std::uint64_t>() > 0 && count > 0) {
    verdict.add("warning", subject,
                std::format("{} requests wait for a place", upstream["waiting"].get<std::uint64_t>()));
  }
}

void judge_certificates(const Json& status, Verdict& verdict) {
  for (const Json& listener : status["listeners"]) {
    for (const Json& certificate : listener["certificates"]) {
      const auto left = certificate["expires_in_seconds"].get<std::int64_t>();
      const std::string subject = "certificate " + text_of(certificate["file"]);
      if (left <= 0) {
        verdict.add("critical", subject, std::format("expired on {}", text_of(certificate["expires"]).substr(0, 10)));
      } else if (left < kExpiresSoon) {
        verdict.add("warning", subject, std::format("expires on {}", text_of(certificate["expires"]).substr(0, 10)));
      }
    }
  }
}

void judge_traffic(const Json& status, Verdict& verdict) {
  const Json& total = status["traffic"]["total"];
  const auto errors = total["errors_per_second"].get<double>();
  const auto requests = total["requests_per_second"].get<double>();
  if (errors < kEnoughErrors || errors < requests * kManyErrors) return;
  verdict.add("warning", "traffic",
              std::format("{:.0f}% of the requests are answered with an error", 100 * errors / requests));
}

}  // namespace

Json verdict(const Json& status) {
  Verdict verdict;
  if (status["state"] == "draining") verdict.add("warning", "process", "draining: it ends when what runs has ended");
  if (!status["configuration"]["last_reload"]["success"].get<bool>()) {
    verdict.add("warning", "configuration", "the last reload failed; the configuration of before stays in force");
  }
  judge_apps(status, verdict);
  for (const Json& upstream : status["upstreams"]) judge_upstream(upstream, verdict);
  judge_certificates(status, verdict);
  judge_traffic(status, verdict);
  return verdict.take();
}

}  // namespace gatehouse::status_parts
