// The command line forgives: words of other programs, mistyped ones, and who has typed nothing.
#include "proxy/cli/habits.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/captured_command.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing_support::run_captured;
using testing_support::TemporaryFolder;

class CliHabitsTest : public ::testing::Test {
 protected:
  CliHabitsTest() { setenv("STATE_DIRECTORY", (folder.path() / "state").c_str(), 1); }
  ~CliHabitsTest() override { unsetenv("STATE_DIRECTORY"); }

  // Of a command line that is refused: it ends with 2, prints nothing else, and says where to read on in a second line.
  static std::string complaint(const std::vector<const char*>& words, const std::string& see) {
    const auto outcome = run_captured(words);
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 2) << outcome.err;
    EXPECT_THAT(outcome.err, testing::EndsWith("\nSee: gatehouse help" + see + "\n"));
    return outcome.err.substr(0, outcome.err.find('\n'));
  }
  // The configuration that `proxy` with `words` stands for.
  static std::string proxied(std::vector<const char*> words) {
    words.insert(words.begin(), "proxy");
    words.push_back("--print-config");
    const auto outcome = run_captured(words);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  }

  const TemporaryFolder folder;
  const std::string file = folder.write("good.toml",
                                        "[[listeners]]\naddress = \"127.0.0.1:8080\"\n[[routes]]\nto = \"a\"\n"
                                        "[upstreams.a]\nendpoints = [\"127.0.0.1:5000\"]\n");
};

TEST_F(CliHabitsTest, AMistypedCommandIsToldTheNearestOne) {
  EXPECT_EQ(complaint({"relod"}, ""), R"(gatehouse: no command "relod"; did you mean "reload"?)");
  EXPECT_EQ(complaint({"docter", "x.toml"}, ""), R"(gatehouse: no command "docter"; did you mean "doctor"?)");
  EXPECT_EQ(complaint({"reverse-proxy"}, ""), R"(gatehouse: no command "reverse-proxy"; did you mean "proxy"?)");
  EXPECT_EQ(complaint({"validate"}, ""), R"(gatehouse: no command "validate"; did you mean "check"?)");
  EXPECT_EQ(complaint({"xyzzy-plugh"}, ""), R"(gatehouse: no command "xyzzy-plugh")");
}

TEST_F(CliHabitsTest, AFileInPlaceOfACommandIsToldHowItIsServed) {
  EXPECT_EQ(complaint({"missing.toml"}, ""),
            R"(gatehouse: "missing.toml" is a file; did you mean "gatehouse run missing.toml"?)");
  EXPECT_THAT(complaint({file.c_str()}, ""), HasSubstr("did you mean \"gatehouse run " + file));
  EXPECT_EQ(complaint({"-c", "x"}, ""), R"(gatehouse: no option "-c" before a command)");
}

TEST_F(CliHabitsTest, AMistypedOptionIsToldTheNearestOneOfItsCommand) {
  EXPECT_EQ(complaint({"proxy", "--to", "5000", "--lisen", ":1"}, " proxy"),
            R"(gatehouse: no option "--lisen"; did you mean "--listen"?)");
  EXPECT_EQ(complaint({"status", "--jsno"}, " status"), R"(gatehouse: no option "--jsno"; did you mean "--json"?)");
  EXPECT_EQ(complaint({"run", "--nonsense"}, " run"), R"(gatehouse: no option "--nonsense")");
  EXPECT_EQ(complaint({"--json", "status"}, " status"), R"(gatehouse: no option "--json" before a command)");
  EXPECT_EQ(complaint({"run", "a.toml", "b.toml"}, " run"), R"(gatehouse: "b.toml" is one word too many)");
}

TEST_F(CliHabitsTest, WhoTypesNothingIsShownWhereToBegin) {
  const auto outcome = run_captured({});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_LT(std::ranges::count(outcome.err, '\n'), 12);
  for (const char* words : {"gatehouse proxy ", "gatehouse host -- ", "gatehouse run ", "gatehouse help"}) {
    EXPECT_THAT(outcome.err, HasSubstr(words));
  }
}

TEST_F(CliHabitsTest, HelpIsACommandToo) {
  EXPECT_EQ(run_captured({"help"}).out, run_captured({"--help"}).out);
  EXPECT_EQ(run_captured({"help"}).out, run_captured({"-h"}).out);
  const auto topic = run_captured({"help", "proxy"});
  EXPECT_EQ(topic.code, 0);
  EXPECT_EQ(topic.out, run_captured({"proxy", "--help"}).out);
  EXPECT_THAT(topic.out, HasSubstr("gatehouse proxy"));
  EXPECT_EQ(complaint({"help", "prox"}, ""), R"(gatehouse: no command "prox"; did you mean "proxy"?)");
  EXPECT_EQ(complaint({"help", "--", "-x"}, ""), R"(gatehouse: no command "-x")");
}

TEST_F(CliHabitsTest, TheVersionHasManyNames) {
  const auto wanted = run_captured({"--version"});
  EXPECT_EQ(wanted.code, 0);
  EXPECT_THAT(run_captured({"version"}).out, StartsWith("gatehouse " + wanted.out));
  for (const char* word : {"-v", "-V"}) {
    const auto outcome = run_captured({word});
    EXPECT_EQ(outcome.code, 0) << word;
    EXPECT_EQ(outcome.out, wanted.out) << word;
  }
}

TEST_F(CliHabitsTest, TheFileIsTakenWithAndWithoutAnOption) {
  const std::string assigned = "--config=" + file;
  for (const std::vector<const char*>& words :
       std::vector<std::vector<const char*>>{{"check", file.c_str()},
                                             {"check", "-c", file.c_str()},
                                             {"check", "--config", file.c_str()},
                                             {"check", assigned.c_str()},
                                             {"-t", file.c_str()},
                                             {"-t", "-c", file.c_str()},
                                             {"-c", file.c_str(), "-t"}}) {
    const auto outcome = run_captured(words);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, file + ": valid\n");
  }
  EXPECT_EQ(run_captured({"explain", "http://127.0.0.1:8080/", "-c", file.c_str()}).code, 0);
  EXPECT_EQ(run_captured({"check", file.c_str(), "-c", file.c_str()}).code, 2);
}

TEST(WithoutHabitsTest, OnlyTheFirstWordsCount) {
  const std::vector<const char*> words{"host", "--", "prove", "-t"};
  EXPECT_THAT(without_habits(words), ElementsAre("host", "--", "prove", "-t"));
  const std::vector<const char*> file_first{"-c", "a.toml", "-t", "-h"};
  EXPECT_THAT(without_habits(file_first), ElementsAre("check", "-c", "a.toml", "-h"));
}

TEST_F(CliHabitsTest, WhereRequestsGoNeedsNoOption) {
  const std::string plain = proxied({"--to", "http://127.0.0.1:5000"});
  for (const std::vector<const char*>& words :
       std::vector<std::vector<const char*>>{{"127.0.0.1:5000"}, {"5000"}, {":5000"}, {"--to", "5000"}}) {
    EXPECT_EQ(proxied(words), plain);
  }
  EXPECT_EQ(proxied({"localhost:5000"}), proxied({"--to", "localhost:5000"}));
  EXPECT_THAT(proxied({"localhost:5000"}), HasSubstr(R"(endpoints = ["localhost:5000"])"));
  EXPECT_THAT(proxied({"5000", "5001"}), HasSubstr(R"(endpoints = ["127.0.0.1:5000", "127.0.0.1:5001"])"));
}

TEST_F(CliHabitsTest, APortAloneIsAnAddress) {
  const std::string text = proxied({"5000", "--listen", "8443", "--http", "8080", "--admin", "9280"});
  EXPECT_THAT(text, HasSubstr(R"(address = "[::]:8443")"));
  EXPECT_THAT(text, HasSubstr(R"(address = "[::]:8080")"));
  EXPECT_THAT(text, HasSubstr(R"(admin = "127.0.0.1:9280")")) << "not for everybody";
  EXPECT_THAT(proxied({"5000", "--listen", "0.0.0.0:8443"}), HasSubstr(R"(address = "0.0.0.0:8443")"));
  EXPECT_EQ(run_captured({"proxy", "5000", "--listen", "70000", "--print-config"}).code, 1);
}

}  // namespace
}  // namespace gatehouse
