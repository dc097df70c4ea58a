#include <algorithm>
#include <nlohmann/json.hpp>

#include "proxy/doctor/finding.h"

namespace gatehouse::doctor {

std::string to_json(std::span<const Finding> findings) {
  using Json = nlohmann::ordered_json;
  Json all = Json::array();
  for (const Finding& finding : findings) {
    all.push_back({{"grade", word(finding.grade)}, {"check", finding.check}, {"message", finding.message}});
  }
  Json out;
  out["problems"] = std::ranges::count(findings, Grade::kProblem, &Finding::grade);
  out["warnings"] = std::ranges::count(findings, Grade::kWarning, &Finding::grade);
  out["findings"] = all;
  constexpr int kIndent = 2;
  return out.dump(kIndent, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace gatehouse::doctor
