#include "config/diagnostic.h"

#include <algorithm>
#include <format>
#include <string_view>
#include <utility>

namespace gatehouse::config {

std::string Diagnostic::to_string() const {
  const std::string_view kind = severity == Severity::kWarning ? "warning: " : "";
  if (location.line == 0 && location.file.empty()) return std::format("{}{}", kind, message);
  return std::format("{}: {}{}", config::to_string(location), kind, message);
}

std::string to_string(const Location& location) {
  if (location.line == 0) return location.file;
  return std::format("{}:{}:{}", location.file, location.line, location.column);
}

std::string seen_from(const Location& here, const Location& other) {
  return here.file == other.file ? std::format("line {}", other.line) : to_string(other);
}

void error(std::vector<Diagnostic>& out, const Location& location, std::string message) {
  out.push_back({.location = location, .message = std::move(message)});
}

void warning(std::vector<Diagnostic>& out, const Location& location, std::string message) {
  out.push_back({.severity = Severity::kWarning, .location = location, .message = std::move(message)});
}

bool has_errors(std::span<const Diagnostic> diagnostics) {
  return std::ranges::contains(diagnostics, Severity::kError, &Diagnostic::severity);
}

std::vector<std::string> texts(std::span<const Diagnostic> diagnostics) {
  std::vector<std::string> all;
  all.reserve(diagnostics.size());
  for (const Diagnostic& diagnostic : diagnostics) all.push_back(diagnostic.to_string());
  return all;
}

std::string lines_of(std::span<const Diagnostic> diagnostics) {
  std::string lines;
  for (const Diagnostic& diagnostic : diagnostics) lines += diagnostic.to_string() + '\n';
  return lines;
}

}  // namespace gatehouse::config
