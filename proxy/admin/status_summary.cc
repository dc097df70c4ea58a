#include "proxy/admin/status_summary.h"

#include <format>
#include <nlohmann/json.hpp>

#include "common/text.h"
#include "proxy/admin/status_grid.h"
#include "proxy/admin/status_json.h"

namespace gatehouse {
namespace {

using Parsed = nlohmann::json;

std::string count_of(std::uint64_t number, std::string_view what) {
  return std::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

std::string under_way(const Parsed& status) {
  std::string list;
  const Parsed& total = status.at("traffic").at("total");
  const auto requests = total.at("in_flight").get<std::uint64_t>();
  const auto tunnels = total.at("tunnels").get<std::uint64_t>();
  if (requests != 0) text::add_to_list(list, count_of(requests, "request") + " in flight");
  if (tunnels != 0) text::add_to_list(list, count_of(tunnels, "tunnel"));
  for (const Parsed& app : status.at("apps")) {
    std::string pids;
    for (const Parsed& instance : app.at("instances")) {
      const auto pid = instance.at("pid").get<std::int64_t>();
      if (pid != 0) text::add_to_list(pids, std::to_string(pid));
    }
    if (!pids.empty()) text::add_to_list(list, std::format("app {} (pid {})", app.at("name").get<std::string>(), pids));
  }
  return list;
}

StatusSummary summary_of(const Parsed& status) {
  const Parsed& program = status.at("program");
  const Parsed& file = status.at("configuration").at("file");
  StatusSummary summary{.pid = program.at("pid").get<std::int64_t>(),
                        .age = age_text(program.at("uptime_seconds").get<std::int64_t>()),
                        .file = file.is_string() ? file.get<std::string>() : "from the command line",
                        .under_way = under_way(status)};
  for (const Parsed& listener : status.at("listeners")) {
    text::add_to_list(
        summary.listeners,
        std::format("{}://{}", listener.at("scheme").get<std::string>(), listener.at("address").get<std::string>()),
        " ");
  }
  return summary;
}

}  // namespace

Result<StatusSummary> status_summary(std::string_view json) {
  // The library tells of a value that is missing or of another type by exceptions: they end here.
  try {
    const Parsed status = Parsed::parse(json);
    if (!status.is_object() || status.at("schema") != kStatusSchema) {
      return failure("this status has a schema of another version");
    }
    return summary_of(status);
  } catch (const Parsed::exception& error) {
    return failure(std::format("the status cannot be read: {}", error.what()));
  }
}

}  // namespace gatehouse
