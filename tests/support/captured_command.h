// One command line, run in this process as `gatehouse` would run it, with what it printed. For tests that have one
// thread, since standard output and error are exchanged meanwhile.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/cli/command_line.h"

namespace gatehouse::testing_support {

struct CapturedCommand {
  int code = -1;
  std::string out;
  std::string err;
};

// `words` are those behind the program's name.
inline CapturedCommand run_captured(std::vector<const char*> words) {
  words.insert(words.begin(), "gatehouse");
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int code = run_command_line(static_cast<int>(words.size()), words.data());
  std::fflush(stdout);
  return {
      .code = code, .out = ::testing::internal::GetCapturedStdout(), .err = ::testing::internal::GetCapturedStderr()};
}

}  // namespace gatehouse::testing_support
