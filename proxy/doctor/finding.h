// What a check of `gatehouse doctor` found: how bad it is, and one sentence with what would put it right. Values,
// made and shown by the main thread of a short-lived process.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::doctor {

// A warning: it serves, but worse than it could, or not for long. A problem: something is not served, or not safely.
enum class Grade : std::uint8_t { kOk, kWarning, kProblem };

struct Finding {
  Grade grade = Grade::kOk;
  // What was looked at: "port", "certificate", ...
  std::string check;
  // What is so; where it is not well, after a semicolon, the command or key that changes it.
  std::string message;

  friend bool operator==(const Finding&, const Finding&) = default;
};

using Findings = std::vector<Finding>;

// "ok", "warning" or "problem".
std::string_view word(Grade grade);
// Warnings are none.
bool has_problems(std::span<const Finding> findings);

// A line for each, in columns, then an empty line and one with how many there are of each grade.
std::string to_text(std::span<const Finding> findings);
// {"problems": N, "warnings": N, "findings": [{"grade", "check", "message"}, ...]}. What is not UTF-8 becomes U+FFFD.
std::string to_json(std::span<const Finding> findings);

}  // namespace gatehouse::doctor
