// Lines that are offered to be pasted are a configuration.
#include <string>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/reading/load.h"

namespace gatehouse::config {
namespace {

using testing::HasSubstr;

// The lines of a remedy behind one that is a comment, up to the next.
std::string part(const std::string& remedy, const std::string& comment) {
  const std::size_t begin = remedy.find(comment + "\n");
  if (begin == std::string::npos) return "missing: " + comment;
  const std::size_t lines = begin + comment.size() + 1;
  return remedy.substr(lines, remedy.find('#', lines) - lines);
}

TEST(Remedies, AnAddressAsTargetBecomesAnUpstream) {
  const std::string before = "[[listeners]]\naddress = \":8080\"\n[[routes]]\npath = \"/shop\"\nstrip_prefix = true\n";
  const Loaded wrong = parse(before + "to = \"http://127.0.0.1:5000/v1\"\n", "g.toml");
  ASSERT_EQ(wrong.diagnostics.size(), 1U);
  const std::string& remedy = wrong.diagnostics[0].remedy;
  const Loaded right =
      parse(before + part(remedy, "# in this route:") + part(remedy, "# behind all routes:"), "g.toml");
  ASSERT_TRUE(right.config) << remedy << lines_of(right.diagnostics);
  EXPECT_TRUE(right.diagnostics.empty()) << lines_of(right.diagnostics);
  EXPECT_EQ(right.config->routes[0].rewrite, "/v1{path}");
  EXPECT_EQ(right.config->upstreams[0].endpoints.size(), 1U);
  EXPECT_EQ(std::get<Address>(right.config->upstreams[0].endpoints[0].at).port(), 5000);
}

TEST(Remedies, APathOfAnEndpointBelongsToTheRoute) {
  const std::string before = "[[listeners]]\naddress = \":8080\"\n";
  const Loaded wrong =
      parse(before + "[[routes]]\nto = \"x\"\n[upstreams.x]\nendpoints = [\"http://127.0.0.1:5000/app\"]\n", "g.toml");
  ASSERT_EQ(wrong.diagnostics.size(), 1U);
  const std::string& remedy = wrong.diagnostics[0].remedy;
  const Loaded right =
      parse(before + "[[routes]]\nto = \"x\"\n" + part(remedy, "# in the [[routes]] that lead to it:") +
                "[upstreams.x]\n" + part(remedy, "# in the upstream:"),
            "g.toml");
  ASSERT_TRUE(right.config) << remedy << lines_of(right.diagnostics);
  EXPECT_EQ(right.config->routes[0].rewrite, "/app{path}");
}

TEST(Remedies, ANameThatIsTakenIsNotOffered) {
  const Loaded wrong = parse(
      "[[listeners]]\naddress = \":8080\"\n[[routes]]\nto = \"127.0.0.1:5001\"\n[[routes]]\npath = \"/b\"\nto = "
      "\"app\"\n[upstreams.app]\nendpoints = [\"127.0.0.1:5000\"]\n",
      "g.toml");
  ASSERT_EQ(wrong.diagnostics.size(), 1U);
  EXPECT_THAT(wrong.diagnostics[0].message, HasSubstr("write to = \"app2\""));
}

}  // namespace
}  // namespace gatehouse::config
