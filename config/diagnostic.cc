#include "config/diagnostic.h"

#include <algorithm>
#include <format>

namespace gatehouse::config {

std::string Diagnostic::to_string() const {
  const std::string_view kind = severity == Severity::kWarning ? "warning: " : "";
  if (location.line == 0) {
    return location.file.empty() ? std::format("{}{}", kind, message)
                                 : std::format("{}: {}{}", location.file, kind, message);
  }
  return std::format("{}:{}:{}: {}{}", location.file, location.line, location.column, kind, message);
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
