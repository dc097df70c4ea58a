// One row of a table of configurations: a text and everything that is to be said about it, line by line. The rows of a
// suite are the parameters of DiagnosticsTest, which a test instantiates:
//   INSTANTIATE_TEST_SUITE_P(Routes, DiagnosticsTest, testing::ValuesIn(kRoutes), name_of_case);
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace gatehouse::testing_support {

// kRest: a listener, a route and an upstream that are right follow the text, so that only the text can be wrong.
enum class Context { kRest, kNothing };

struct DiagnosticsCase {
  std::string_view name;
  std::string_view text;
  std::string_view expected;  // "LINE:COL: message", one a line, as Diagnostic::to_string writes them behind the file
  Context context = Context::kRest;
};

inline void PrintTo(const DiagnosticsCase& row, std::ostream* out) {
  *out << row.name;
}
std::string name_of_case(const testing::TestParamInfo<DiagnosticsCase>& info);

class DiagnosticsTest : public testing::TestWithParam<DiagnosticsCase> {};

}  // namespace gatehouse::testing_support
