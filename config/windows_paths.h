// Command lines and paths as Windows writes them, made ours: for web.config. Reads the environment and looks for files,
// changes nothing. Start-up only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace gatehouse::config {

// A Windows command line without its program, split as the C runtime there does: quotes group, backslashes are literal
// but before a quote, and two quotes within a group are one.
std::vector<std::string> split_windows_arguments(std::string_view text);

// "%NAME%" by the environment's value. The error names a variable that is not set.
Result<std::string> expand_percent(std::string_view text);

// A path below `folder` with slashes, absolute; fails for one with a drive or a share.
Result<std::string> local_path(std::string_view path, const std::string& folder);

// `argument` with slashes if it is a path: one that starts with ".\" or "..\", or that exists in `folder` that way.
std::string local_argument(const std::string& argument, const std::string& folder);

struct LocalProgram {
  std::vector<std::string> command;  // the program and perhaps its first argument
  std::string remark;                // what was done to it, if that may surprise
};

// The program that is meant here: "dotnet" wherever it was installed, ".\App.exe" as App in `folder`, or as
// `dotnet App.dll` if only that is there.
Result<LocalProgram> local_program(const std::string& path, const std::string& folder);

}  // namespace gatehouse::config
