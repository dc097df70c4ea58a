// What all subcommands have in common: how they end, and how they print. Results go to stdout, what is wrong to
// stderr. Functions without state; main thread.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <format>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/showing/excerpt.h"
#include "config/sources.h"

namespace gatehouse {

// The process' exit codes.
inline constexpr int kExitFine = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitBadCommandLine = 2;

// As it is: without a newline, and unflushed.
inline void print(std::FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
}

// To standard error, warnings too; on a terminal each with the line that it is about.
inline void print(const std::vector<config::Diagnostic>& diagnostics, const config::Sources& sources) {
  print(stderr, config::lines_for(STDERR_FILENO, diagnostics, sources));
}

// Prints one line to standard error, and returns the exit code, for whoever ends with it.
inline int complain(std::string_view message, int exit_code = kExitFailed) {
  print(stderr, std::format("gatehouse: {}\n", message));
  return exit_code;
}

}  // namespace gatehouse
