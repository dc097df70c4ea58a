#include "tests/support/diagnostics_case.h"

#include "config/reading/load.h"

namespace gatehouse::testing_support {

namespace {

constexpr std::string_view kFile = "test.toml";
constexpr std::string_view kRest = R"(
[[listeners]]
address = "127.0.0.1:8000"
[[routes]]
path = "/base"
to = "base"
[upstreams.base]
endpoints = ["127.0.0.1:5000"]
)";

}  // namespace

std::string name_of_case(const testing::TestParamInfo<DiagnosticsCase>& info) {
  return std::string(info.param.name);
}

TEST_P(DiagnosticsTest, SaysAllOfThem) {
  const DiagnosticsCase& row = GetParam();
  const std::string text = std::string(row.text) + std::string(row.context == Context::kRest ? kRest : "");
  const auto loaded = config::parse(text, std::string(kFile));
  std::string said;
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
    const std::string line = diagnostic.to_string();
    ASSERT_TRUE(line.starts_with(std::string(kFile) + ":")) << line;
    said += line.substr(kFile.size() + 1) + "\n";
  }
  EXPECT_EQ(said, row.expected);
  EXPECT_EQ(loaded.config.has_value(), !config::has_errors(loaded.diagnostics));
}

}  // namespace gatehouse::testing_support
