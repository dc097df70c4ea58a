// What is wrong, or doubtful, in a configuration file, and where: FILE:LINE:COL: message. Reading and validation
// collect all of them; errors mean that there is no configuration, warnings are said and lived with. Values, no thread
// affinity.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"

namespace gatehouse::config {

enum class Severity : std::uint8_t { kError, kWarning };

struct Diagnostic {
  Severity severity = Severity::kError;
  // Line 0: the file as a whole.
  Location location;
  // One line: what is wrong and, after a semicolon or colon, what would be right.
  std::string message;
  // Lines of TOML that would be right, to be pasted; "" if there are none.
  std::string remedy{};

  // "FILE:LINE:COL: message", warnings as "FILE:LINE:COL: warning: message"; without a line "FILE: message", without a
  // file the message alone.
  std::string to_string() const;
};

// "FILE:LINE:COL"; "FILE" without a line.
std::string to_string(const Location& location);
// Names `other` in a message about `here`: "line 3" in the same file, "FILE:3:1" in another one.
std::string seen_from(const Location& here, const Location& other);

// Add one to `out`; messages are those of Diagnostic::message.
void error(std::vector<Diagnostic>& out, const Location& location, std::string message);
void warning(std::vector<Diagnostic>& out, const Location& location, std::string message);

bool has_errors(std::span<const Diagnostic> diagnostics);

// Each as it is printed, in their order; and as lines.
std::vector<std::string> texts(std::span<const Diagnostic> diagnostics);
std::string lines_of(std::span<const Diagnostic> diagnostics);

}  // namespace gatehouse::config
