// Command lines, paths and times as Windows writes them, made ours: for web.config. Reads the environment and looks for files,
// changes nothing. Any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace gatehouse::config {

// A Windows command line without its program, split as the C runtime there does: quotes group, backslashes are literal
// but before a quote, and two quotes within a group are one.
std::vector<std::string> split_windows_arguments(std::string_view text);

// Replaces each "%NAME%" by the environment's value, %ASPNETCORE_PORT% and %HTTP_PLATFORM_PORT% by "{port}", and
// %HOME%\site\wwwroot, the folder of a site at Azure, by ".". The error names a variable that is not set; those that
// begin with LAUNCHER_ are a development tool's to fill in, and an error too.
Result<std::string> expand_percent(std::string_view text);

// Returns `path` as seen from `folder`, with slashes and absolute; an error for one with a drive or a share.
Result<std::string> local_path(std::string_view path, const std::string& folder);

// Returns `argument` with slashes if it is a path: one that starts with ".\" or "..\", or that has a "\" and exists in
// `folder` that way. Anything else comes back as it is.
std::string local_argument(const std::string& argument, const std::string& folder);

struct LocalProgram {
  // The program and perhaps its first argument.
  std::vector<std::string> command;
  // What was done to it, if that may surprise; else "".
  std::string remark;
};

// Returns the program that is meant here. An error for one with a drive or a share that is not dotnet.
//
//   dotnet, C:\Program Files\dotnet\dotnet.exe    dotnet, to be looked for in PATH
//   .\App.exe                                     App in `folder`, or `dotnet App.dll` if only App.dll is there
//   App                                           App, to be looked for in PATH
Result<LocalProgram> local_program(const std::string& path, const std::string& folder);

// The same for a path in which variables may stand. Where the variable in front is not set, it is dotnet, or the program
// of that name in PATH:
//
//   %ProgramFiles%\dotnet\dotnet.exe              dotnet, to be looked for in PATH
//   %JAVA_HOME%\bin\java.exe                      java, likewise, where PATH has one
Result<LocalProgram> program_of(const std::string& path, const std::string& folder);

// "[DAYS.]HOURS:MINUTES:SECONDS"; without days there may be as many hours as it takes.
std::optional<std::chrono::seconds> parse_windows_time(std::string_view text);

}  // namespace gatehouse::config
