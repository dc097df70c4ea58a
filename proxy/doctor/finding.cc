#include "proxy/doctor/finding.h"

#include <algorithm>
#include <array>
#include <format>

namespace gatehouse::doctor {
namespace {

std::string counted(std::ptrdiff_t count, std::string_view what) {
  return std::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

std::string_view word(Grade grade) {
  constexpr std::array<std::string_view, 3> kWords = {"ok", "warning", "problem"};
  return kWords[static_cast<std::size_t>(grade)];
}

bool has_problems(std::span<const Finding> findings) {
  return std::ranges::contains(findings, Grade::kProblem, &Finding::grade);
}

std::string to_text(std::span<const Finding> findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += std::format("{:<8} {:<13} {}\n", word(finding.grade), finding.check, finding.message);
  }
  const auto problems = std::ranges::count(findings, Grade::kProblem, &Finding::grade);
  const auto warnings = std::ranges::count(findings, Grade::kWarning, &Finding::grade);
  const auto fine = std::ranges::count(findings, Grade::kOk, &Finding::grade);
  return text + std::format("\n{}, {}, {} ok\n", counted(problems, "problem"), counted(warnings, "warning"), fine);
}

}  // namespace gatehouse::doctor
