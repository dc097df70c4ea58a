// What a configuration took from the environment is in no diagnostic: it may be secret.
#include "config/veil.h"

#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/quoting.h"
#include "config/reading/load.h"

namespace gatehouse::config {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(VeilTest, TheVariableIsNamedInsteadOfItsValue) {
  Veil veil;
  veil.add("KEY", "s3cret");
  veil.add("LONG", "s3cret-and-more");
  EXPECT_EQ(veil.over("\"s3cret\" and \"xs3crety\""), "\"${KEY}\" and \"x${KEY}y\"");
  EXPECT_EQ(veil.over("s3cret-and-more, s3cret-and-less"), "${LONG}, ${KEY}-and-less");
  EXPECT_EQ(veil.over("nothing of it"), "nothing of it");
  EXPECT_EQ(veil.over(""), "");
}

TEST(VeilTest, ItKnowsHowValuesAreQuotedAndCut) {
  const std::string secret = "a\"b\\c\n" + std::string(200, 'x') + "end";
  Veil veil;
  veil.add("KEY", secret);
  EXPECT_EQ(veil.over("not " + in_quotes(secret)), "not \"${KEY}\"...");
  EXPECT_EQ(veil.over("not " + in_quotes("/folder/" + secret)), "not \"/folder/${KEY}\"...");
  EXPECT_EQ(veil.over("not " + toml_string(secret)), "not \"${KEY}\"");
}

TEST(VeilTest, WhatIsTooShortToBeSecretIsShown) {
  Veil veil;
  veil.add("PORT", "80");
  veil.add("EMPTY", "");
  EXPECT_EQ(veil.over("port 8080"), "port 8080");
}

class VeiledDiagnosticsTest : public testing::Test {
 protected:
  void SetUp() override { ::setenv("GATEHOUSE_TEST_SECRET", "hunter2-and-more", 1); }
  void TearDown() override { ::unsetenv("GATEHOUSE_TEST_SECRET"); }
};

TEST_F(VeiledDiagnosticsTest, NoReasonWhyAConfigurationIsWrongTellsAValue) {
  const std::string text = R"([server]
admin = "${GATEHOUSE_TEST_SECRET}"
drain_timeout = "${GATEHOUSE_TEST_SECRET}"
quic_server_id = "${GATEHOUSE_TEST_SECRET}"
[log]
level = "${GATEHOUSE_TEST_SECRET}"
output = "x${GATEHOUSE_TEST_SECRET}"
[[listeners]]
address = "${GATEHOUSE_TEST_SECRET}"
protocols = ["${GATEHOUSE_TEST_SECRET}"]
trusted_proxies = ["${GATEHOUSE_TEST_SECRET}"]
[[listeners]]
address = "${GATEHOUSE_TEST_UNSET:-}"
[[routes]]
hosts = ["${GATEHOUSE_TEST_SECRET}!"]
to = "${GATEHOUSE_TEST_SECRET}"
[[routes]]
path = "${GATEHOUSE_TEST_SECRET}"
redirect = "${GATEHOUSE_TEST_SECRET}"
[upstreams.app]
endpoints = ["${GATEHOUSE_TEST_SECRET} "]
[apps.web]
command = ["${GATEHOUSE_TEST_SECRET}"]
user = "${GATEHOUSE_TEST_SECRET}"
)";
  const Loaded loaded = parse(text, "test.toml");
  EXPECT_GT(loaded.diagnostics.size(), 10U);
  std::string all;
  for (const Diagnostic& diagnostic : loaded.diagnostics) all += diagnostic.to_string() + '\n';
  EXPECT_THAT(all, Not(HasSubstr("hunter2")));
  EXPECT_THAT(all, HasSubstr("6:9: \"level\" must be \"error\", \"warn\", \"info\" or \"debug\", not "
                             "\"${GATEHOUSE_TEST_SECRET}\""));
}

TEST_F(VeiledDiagnosticsTest, WhatIsWrongLaterIsVeiledByTheSameConfiguration) {
  const Loaded loaded = parse(
      "[[listeners]]\naddress = \":8080\"\n[[routes]]\nto = \"app\"\n[upstreams.app]\n"
      "endpoints = [\"unix:/run/${GATEHOUSE_TEST_SECRET}\"]\n",
      "test.toml");
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(loaded.config->veil.over("cannot bind /run/hunter2-and-more"), "cannot bind /run/${GATEHOUSE_TEST_SECRET}");
}

}  // namespace
}  // namespace gatehouse::config
