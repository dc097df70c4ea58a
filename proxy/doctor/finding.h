// What a check of `gatehouse doctor` found: how bad it is, and one sentence with what would put it right. Values, made
// and shown by the main thread of a short-lived process.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::doctor {

enum class Grade : std::uint8_t { kOk, kWarning, kProblem };

struct Finding {
  Grade grade = Grade::kOk;
  std::string check;    // "port", "certificate", ...
  std::string message;  // what is so; where it is not well, after a semicolon, the command or key that changes it

  friend bool operator==(const Finding&, const Finding&) = default;
};

using Findings = std::vector<Finding>;

std::string_view word(Grade grade);
bool has_problems(std::span<const Finding> findings);

std::string to_text(std::span<const Finding> findings);
std::string to_json(std::span<const Finding> findings);

}  // namespace gatehouse::doctor
