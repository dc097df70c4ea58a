#include "proxy/apps/last_words.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <format>
#include <optional>

#include "common/text.h"

namespace gatehouse::last_words {

namespace {

constexpr std::size_t kMost = 300;

// What stands between two texts in `line`.
std::optional<std::string_view> between(std::string_view line, std::string_view before, std::string_view after) {
  const std::size_t start = line.find(before);
  if (start == std::string_view::npos) return std::nullopt;
  const std::string_view rest = line.substr(start + before.size());
  const std::size_t end = rest.find(after);
  if (end == std::string_view::npos) return std::nullopt;
  return rest.substr(0, end);
}

std::string of_exception(std::string_view exception) {
  if (const auto assembly = between(exception, "Could not load file or assembly '", "'")) {
    return std::format("the assembly {} is not there; publish the application as a whole",
                       assembly->substr(0, assembly->find(',')));
  }
  if (exception.contains("address already in use")) {
    const std::size_t colon = exception.find(": ");
    return std::format("it cannot listen: {}", exception.substr(colon == std::string_view::npos ? 0 : colon + 2));
  }
  return std::format("unhandled exception {}", exception);
}

// What one line says alone.
std::string of_line(std::string_view line) {
  if (const auto framework = between(line, "Framework: '", "'")) {
    const auto version = between(line, "version '", "'");
    return std::format("the framework {} {}, for which it was published, is not installed", *framework,
                       version.value_or(""));
  }
  if (const auto file = between(line, "The application to execute does not exist: '", "'")) {
    return std::format("there is no {}", *file);
  }
  if (const auto file = between(line, "You intended to execute a .NET program, but dotnet-", " does not exist")) {
    return std::format("there is no {}", *file);
  }
  if (const auto file = between(line, "self-contained app because '", "' was not found")) {
    return std::format("there is no {}; publish the application as a whole", *file);
  }
  if (const auto list = between(line, "An assembly specified in the application dependencies manifest (", ")")) {
    return std::format("an assembly that {} lists is not there; publish the application as a whole", *list);
  }
  constexpr std::string_view kUnhandled = "Unhandled exception. ";
  if (line.starts_with(kUnhandled)) return of_exception(line.substr(kUnhandled.size()));
  return {};
}

}  // namespace

std::string cause(std::string_view output) {
  std::string found;
  bool is_next = false;  // the message of Environment.FailFast stands in a line of its own
  while (!output.empty()) {
    const std::size_t end = std::min(output.find('\n'), output.size());
    const std::string_view line = text::trim(output.substr(0, end));
    output.remove_prefix(std::min(end + 1, output.size()));
    std::string says = is_next && !line.empty() ? std::format("it ended itself: {}", line) : of_line(line);
    is_next = line == "Process terminated.";
    if (!says.empty()) found = std::move(says);
  }
  if (found.size() > kMost) found.replace(kMost, std::string::npos, "…");
  return found;
}

}  // namespace gatehouse::last_words
