// What of the status a person should know first. Looks only at what /status.json says already, so that every reason can
// be followed up there.
#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/admin/status_json.h"

namespace gatehouse::status_parts {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostReasons = 20;
constexpr double kManyErrors = 0.05;   // of the requests in the window
constexpr double kEnoughErrors = 0.5;  // a second: a few are no trend

// Where in the status the cause is told; a name may be empty.
struct About {
  std::string_view kind;
  std::string name{};
};

Json json_of(const About& about) {
  if (about.kind.empty()) return {};
  return {{"kind", about.kind}, {"name", about.name.empty() ? Json(nullptr) : Json(about.name)}};
}

class Verdict {
 public:
  void add(std::string_view level, const About& about, std::string text) {
    std::string subject(about.kind);
    if (!about.name.empty()) subject += ' ' + about.name;
    push({{"level", level}, {"subject", std::move(subject)}, {"text", std::move(text)}, {"about", json_of(about)}});
  }
  // Of the whole process, which has no place of its own in the status.
  void add_process(std::string text) {
    push({{"level", "warning"}, {"subject", "process"}, {"text", std::move(text)}, {"about", nullptr}});
  }
  // Whether this is one of the causes already.
  bool has(const std::string& name) const {
    return std::ranges::any_of(reasons_, [&name](const Json& one) {
      const Json& about = one["about"];
      return about.is_object() && (about["kind"] == "app" || about["kind"] == "upstream") && about["name"] == name;
    });
  }
  // The gravest first; so many that a person can read them.
  Json take() {
    const std::size_t causes = reasons_.size();
    std::ranges::stable_sort(reasons_, std::ranges::greater(),
                             [](const Json& one) { return one["level"] == "critical"; });
    if (causes > kMostReasons) {
      const Json level = reasons_[kMostReasons]["level"];
      reasons_.resize(kMostReasons);
      push({{"level", level},
            {"subject", "and more"},
            {"text", std::format("{} more like these", causes - kMostReasons)},
            {"about", nullptr}});
    }
    return {{"level", level_}, {"causes", causes}, {"reasons", std::move(reasons_)}};
  }

 private:
  void push(Json reason) {
    if (level_ != "critical") level_ = reason["level"].get<std::string>();
    reasons_.push_back(std::move(reason));
  }

  std::string level_ = "ok";
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
    verdict.add(down ? "critical" : "warning", {.kind = "app", .name = text_of(app["name"])},
                std::format("{}: {}", state, text_of(app["why"])));
  }
}

// What is wrong with its endpoints, in one sentence; empty where nothing is.
std::string trouble_of(const Json& upstream) {
  const Json* first = nullptr;
  std::size_t unwell = 0;
  for (const Json& endpoint : upstream["endpoints"]) {
    if (endpoint["well"].get<bool>() || endpoint["state"] == "draining") continue;
    if (unwell++ == 0) first = &endpoint;
  }
  if (first == nullptr) return {};
  std::string one =
      std::format("{} is {}: {}", text_of((*first)["name"]), text_of((*first)["state"]), text_of((*first)["why"]));
  if (unwell == 1) return one;
  return std::format("{} of {} endpoints are not well, the first: {}", unwell, upstream["endpoints"].size(), one);
}

// An app that does not run is the cause of what is wrong with its endpoints.
void judge_upstream(const Json& upstream, Verdict& verdict) {
  const bool app = upstream["kind"] == "app";
  const About about{.kind = app ? "app" : "upstream", .name = text_of(upstream["name"])};
  if (app && verdict.has(about.name)) return;
  const bool none = upstream["endpoints"].empty();
  if (none && !app && !upstream["why"].is_null()) return verdict.add("critical", about, text_of(upstream["why"]));
  std::string text = trouble_of(upstream);
  const bool down = !text.empty() && upstream["endpoints_well"].get<std::size_t>() == 0;
  const auto waiting = upstream["waiting"].get<std::uint64_t>();
  if (waiting > 0 && !none) {
    if (!text.empty()) text += "; ";
    text += waiting == 1 ? "1 request waits for a place" : std::format("{} requests wait for a place", waiting);
  }
  if (!text.empty()) verdict.add(down ? "critical" : "warning", about, std::move(text));
}

void judge_limits(const Json& status, Verdict& verdict) {
  for (const Json& listener : status["listeners"]) {
    for (const Json& refused : listener["refused"]) {
      const std::string value = refused["value"].is_null() ? "" : std::format(" ({})", refused["value"].dump());
      const bool of_one_client = text_of(refused["reason"]).starts_with("client");
      verdict.add(
          "warning", {.kind = "listener", .name = text_of(listener["name"])},
          std::format("{}{} is reached: {}, {} times in the last {} s", text_of(refused["limit"]), value,
                      of_one_client ? "clients beyond it are refused" : "clients wait to be let in",
                      refused["times"].get<std::uint64_t>(), status["traffic"]["window_seconds"].get<std::int64_t>()));
    }
  }
}

// One for each file, however many listeners have it.
void judge_certificates(const Json& status, Verdict& verdict) {
  std::set<std::string> judged;
  for (const Json& listener : status["listeners"]) {
    for (const Json& certificate : listener["certificates"]) {
      const auto left = certificate["expires_in_seconds"].get<std::int64_t>();
      const About about{.kind = "certificate", .name = text_of(certificate["file"])};
      if (certificate["renewal_due_in_seconds"].get<std::int64_t>() > 0 || !judged.insert(about.name).second) continue;
      const std::string day = text_of(certificate["expires"]).substr(0, 10);
      if (left <= 0) {
        verdict.add("critical", about, std::format("expired on {}", day));
      } else {
        verdict.add("warning", about, std::format("expires on {}", day));
      }
    }
  }
}

double errors_of(const Json& route) {
  return route["recent"]["errors_per_second_1m"].get<double>();
}

// Errors that come from an upstream which is a cause already are no cause of their own.
void judge_traffic(const Json& status, Verdict& verdict) {
  const Json& total = status["traffic"]["total"];
  const auto errors = total["errors_per_second"].get<double>();
  const auto requests = total["requests_per_second"].get<double>();
  if (errors < kEnoughErrors || errors < requests * kManyErrors) return;
  double all = 0;
  const Json* worst = nullptr;
  for (const Json& route : status["routes"]) {
    all += errors_of(route);
    if (worst == nullptr || errors_of(route) > errors_of(*worst)) worst = &route;
  }
  const std::string share = std::format("{:.0f}% of the requests are answered with an error", 100 * errors / requests);
  if (worst == nullptr || errors_of(*worst) <= all / 2) return verdict.add("warning", {.kind = "traffic"}, share);
  if (verdict.has(text_of((*worst)["to"]))) return;
  verdict.add("warning", {.kind = "route", .name = text_of((*worst)["name"])}, share + ", most of them there");
}

}  // namespace

Json verdict(const Json& status) {
  Verdict verdict;
  if (status["state"] == "draining") verdict.add_process("draining: it ends when what runs has ended");
  if (!status["configuration"]["last_reload"]["success"].get<bool>()) {
    verdict.add("warning", {.kind = "configuration"},
                "the last reload failed; the configuration of before stays in force");
  }
  judge_apps(status, verdict);
  for (const Json& upstream : status["upstreams"]) judge_upstream(upstream, verdict);
  judge_certificates(status, verdict);
  judge_limits(status, verdict);
  judge_traffic(status, verdict);
  return verdict.take();
}

}  // namespace gatehouse::status_parts
