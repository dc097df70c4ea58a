#include "config/showing/excerpt.h"

#include <fcntl.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/fd.h"
#include "config/reading/load.h"
#include "config/showing/discretion.h"

namespace gatehouse::config {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

// What is shown of `text` below a diagnostic about this place.
std::string shown(std::string_view text, unsigned line, unsigned column) {
  const Sources sources{.files = {{.name = "g.toml", .text = std::string(text)}}, .patterns = {}, .veil = {}};
  const Diagnostic diagnostic{.location = {.file = "g.toml", .line = line, .column = column}, .message = "wrong"};
  const std::string all = lines_with_excerpts({&diagnostic, 1}, sources, Colours::kPlain);
  const std::string head = diagnostic.to_string() + "\n";
  EXPECT_TRUE(all.starts_with(head)) << all;
  return all.substr(head.size());
}

TEST(Excerpt, TheCaretStandsBelowThePlace) {
  EXPECT_EQ(shown("a = 1\nendpoints = [1]\n", 2, 14), "   2 | endpoints = [1]\n     |              ^\n");
  EXPECT_EQ(shown("\xEF\xBB\xBF"
                  "a = 1\r\nb = 2\r\n",
                  1, 5),
            "   1 | a = 1\n     |     ^\n")
      << "a byte order mark";
  EXPECT_EQ(shown("a = ", 1, 5), "   1 | a = \n     |     ^\n") << "behind the end";
  EXPECT_EQ(shown("", 1, 1), "   1 | \n     | ^\n");
}

TEST(Excerpt, TabsAndWideCharactersAreAsWideAsTheyLook) {
  EXPECT_EQ(shown("\ta = 1", 1, 2), "   1 |         a = 1\n     |         ^\n");
  EXPECT_EQ(shown("ab\tc = 1", 1, 4), "   1 | ab      c = 1\n     |         ^\n");
  EXPECT_EQ(shown("\"日本\" = 1", 1, 8), "   1 | \"日本\" = 1\n     |          ^\n");
  EXPECT_EQ(shown("\"e\u0301\" = 1", 1, 8), "   1 | \"e\u0301\" = 1\n     |       ^\n") << "an accent that combines";
  EXPECT_EQ(shown("\"ü\" = 1", 1, 7), "   1 | \"ü\" = 1\n     |       ^\n");
}

TEST(Excerpt, WhatMayNotReachATerminalIsSpelledOut) {
  EXPECT_EQ(shown("a = \"\x1b[2J\" x", 1, 11), "   1 | a = \"<U+001B>[2J\" x\n     |                  ^\n");
  EXPECT_EQ(shown("a = \"\u202E\"", 1, 5), "   1 | a = \"<U+202E>\"\n     |     ^\n");
  EXPECT_EQ(shown("a = \"\xff\"", 1, 6), "   1 | a = \"<FF>\"\n     |      ^\n");
}

TEST(Excerpt, LongLinesAreCutAroundTheCaret) {
  const std::string text = "a = [" + std::string(200, '1') + "]";
  EXPECT_EQ(shown(text, 1, 1), "   1 | a = [" + std::string(95, '1') + "...\n     | ^\n");
  EXPECT_EQ(shown(text, 1, 206), "   1 | ..." + std::string(60, '1') + "]\n     |    " + std::string(60, ' ') + "^\n");
  const std::string middle = shown(text, 1, 100);
  EXPECT_THAT(middle, HasSubstr("   1 | ..."));
  EXPECT_THAT(middle, HasSubstr("...\n     | " + std::string(63, ' ') + "^\n"));
  EXPECT_EQ(shown(std::string(20'000, 'x'), 1, 10), "") << "no line that a person wrote";
}

TEST(Excerpt, WhatIsNotAmongTheSourcesHasNone) {
  EXPECT_EQ(shown("a = 1\n", 3, 1), "");
  EXPECT_EQ(shown("a = 1\n", 0, 0), "");
}

TEST(Excerpt, WhatCameFromTheEnvironmentIsNotShownEvenIfItIsInTheFile) {
  Sources sources{.files = {{.name = "g.toml", .text = "path = \"hunter2-x\"\n"}}, .patterns = {}, .veil = {}};
  const Diagnostic diagnostic{.location = {.file = "g.toml", .line = 1, .column = 8}, .message = "wrong"};
  EXPECT_THAT(lines_with_excerpts({&diagnostic, 1}, sources, Colours::kPlain), HasSubstr("hunter2"));
  sources.veil.add("KEY", "hunter2");
  EXPECT_EQ(lines_with_excerpts({&diagnostic, 1}, sources, Colours::kPlain), "g.toml:1:8: wrong\n");
}

TEST(Excerpt, NothingThatLooksLikeASecretIsShown) {
  EXPECT_EQ(shown("DB_PASSWORD = \"geheim\"", 1, 1), "   1 | DB_PASSWORD = \"******\"\n     | ^\n");
  EXPECT_EQ(shown("text = \"\"\"\ngeheim\n\"\"\"\n", 2, 3), "") << "the middle of a string, whose key is elsewhere";
}

TEST(Excerpt, LinesToPasteFollowIt) {
  Diagnostic diagnostic{.location = {.file = "g.toml"}, .message = "wrong"};
  diagnostic.remedy = "to = \"app\"\n\nx = \"\x1b\"\n";
  EXPECT_EQ(lines_with_excerpts({&diagnostic, 1}, {}, Colours::kPlain),
            "g.toml: wrong\n    to = \"app\"\n\n    x = \"<U+001B>\"\n");
}

TEST(Excerpt, ColoursAreOnTopOfTheSameText) {
  const Sources sources{.files = {{.name = "g.toml", .text = "a = 1\n"}}, .patterns = {}, .veil = {}};
  for (const Severity severity : {Severity::kError, Severity::kWarning}) {
    const Diagnostic diagnostic{
        .severity = severity, .location = {.file = "g.toml", .line = 1, .column = 1}, .message = "wrong"};
    std::string text = lines_with_excerpts({&diagnostic, 1}, sources, Colours::kAnsi);
    EXPECT_THAT(text, HasSubstr("\x1b["));
    EXPECT_THAT(text, EndsWith("\x1b[0m\n"));
    for (auto at = text.find('\x1b'); at != std::string::npos; at = text.find('\x1b')) {
      text.erase(at, text.find('m', at) - at + 1);
    }
    EXPECT_EQ(text, lines_with_excerpts({&diagnostic, 1}, sources, Colours::kPlain));
  }
}

TEST(Excerpt, OnlyATerminalIsShownThem) {
  const Sources sources{.files = {{.name = "g.toml", .text = "a = 1\n"}}, .patterns = {}, .veil = {}};
  const Diagnostic diagnostic{.location = {.file = "g.toml", .line = 1, .column = 1}, .message = "wrong"};
  const auto shown_on = [&](const Fd& fd) { return lines_for(fd.get(), {&diagnostic, 1}, sources); };
  const Fd terminal(::posix_openpt(O_RDWR | O_NOCTTY));
  const Fd file(::open("/dev/null", O_WRONLY));
  ASSERT_TRUE(terminal);
  ::setenv("TERM", "xterm", 1);
  ::unsetenv("NO_COLOR");
  EXPECT_EQ(shown_on(file), "g.toml:1:1: wrong\n");
  EXPECT_EQ(shown_on(terminal), lines_with_excerpts({&diagnostic, 1}, sources, Colours::kAnsi));
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_EQ(shown_on(terminal), lines_with_excerpts({&diagnostic, 1}, sources, Colours::kPlain));
  ::unsetenv("NO_COLOR");
}

TEST(Discretion, ValuesBesideWordsOfSecretsAreCovered) {
  EXPECT_EQ(without_secrets("environment = { \"A\" = \"x\", B = 'yz' } # \"c\""),
            "environment = { \"A\" = \"*\", B = '**' } # \"c\"");
  EXPECT_EQ(without_secrets("request_headers.set = { Authorization = \"Bearer \\\"a\" }"),
            "request_headers.set = { Authorization = \"**********\" }");
  EXPECT_EQ(without_secrets("api_key = \"ü"), "api_key = \"*") << "no end, and one star for a character";
  EXPECT_EQ(without_secrets("endpoints = [\"http://me:word@host:80\"]"), "endpoints = [\"http://*******@host:80\"]");
  EXPECT_EQ(without_secrets("x = \"sk-live-9aB3dE7fG1hJ5kL0\""), "x = \"************************\"");
}

TEST(Discretion, OrdinaryLinesAreLeftAlone) {
  for (const std::string_view line :
       {"endpoints = [\"127.0.0.1:5000\", \"unix:/run/shop.sock\"]",
        "certificates = [{ certificate = \"/etc/letsencrypt/live/www.example.com/fullchain.pem\", private_key = "
        "\"key.pem\" }]",
        "redirect = \"https://www.example.com{uri}\"",
        "command = [\"/usr/bin/python3\", \"-m\", \"a_rather_long_module_name\"]"}) {
    EXPECT_EQ(without_secrets(line), line);
  }
}

TEST(Excerpt, ALoadKeepsWhatIsNeededForIt) {
  const Loaded loaded = parse("[server]\nworkers = \"x\"\n", "g.toml");
  EXPECT_THAT(
      lines_with_excerpts(loaded.diagnostics, loaded.sources, Colours::kPlain),
      HasSubstr("g.toml:2:11: \"workers\" must be an integer, not a string\n   2 | workers = \"x\"\n     |           "
                "^\n"));
}

}  // namespace
}  // namespace gatehouse::config
