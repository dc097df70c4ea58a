#include "config/reading/foreign_keys.h"

#include <format>
#include <set>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/reading/load.h"
#include "config/reading/schema.h"

namespace gatehouse::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string key_in(std::string_view table, std::string_view key) {
  return table.empty() ? std::string(key) : std::format("{}.{}", table, key);
}

TEST(ForeignKeys, EachStandsForAKeyThatThereIsAndIsNoneItself) {
  const std::set<std::string> known = known_keys();
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const ForeignKey& row : foreign_keys()) {
    EXPECT_TRUE(seen.emplace(row.table, row.word).second) << row.word << " is there twice";
    EXPECT_FALSE(row.advice.empty()) << row.word;
    EXPECT_FALSE(row.advice.ends_with('.')) << row.word;
    if (row.table == "*") {
      EXPECT_TRUE(row.meant.empty()) << row.word << " cannot stand for a key of every table";
      continue;
    }
    EXPECT_FALSE(known.contains(key_in(row.table, row.word))) << row.word << " is a key";
    EXPECT_TRUE(row.table.empty() || known.contains(std::string(row.table)) || row.table.ends_with(".NAME"))
        << row.table << " is no table";
    if (!row.meant.empty()) {
      EXPECT_TRUE(known.contains(key_in(row.table, row.meant))) << row.meant << " is no key";
    }
  }
}

TEST(ForeignKeys, ARowOfItsTableIsBeforeOneForAll) {
  EXPECT_EQ(find_foreign_key("upstreams.NAME", "healthcheck")->meant, "health");
  EXPECT_EQ(find_foreign_key("routes", "healthcheck")->meant, "");
  EXPECT_EQ(find_foreign_key("routes", "Proxy-Pass")->meant, "to") << "however it is written";
  EXPECT_EQ(find_foreign_key("routes", "to"), nullptr);
}

TEST(ForeignKeys, TheWordsOfAnotherServerAreTheOnlyThingThatIsSaid) {
  const Loaded loaded = parse(R"([[listeners]]
listen = ":80"
[[routes]]
server_name = "a.example"
proxy_pass = "http://127.0.0.1:5000"
[upstreams.app]
server = "127.0.0.1:5000"
[apps.web]
cmd = "python3 app.py"
)",
                              "g.toml");
  std::vector<std::string> said;
  for (const Diagnostic& diagnostic : loaded.diagnostics) said.push_back(diagnostic.to_string());
  EXPECT_THAT(
      said,
      ElementsAre("g.toml:2:1: unknown key \"listen\" in [[listeners]]; write address = \":443\", or "
                  "\"127.0.0.1:8080\"",
                  "g.toml:4:1: unknown key \"server_name\" in [[routes]]; write hosts = [\"www.example.com\"]",
                  "g.toml:5:1: unknown key \"proxy_pass\" in [[routes]]; write to = \"NAME\", the name of "
                  "[upstreams.NAME] or [apps.NAME]",
                  "g.toml:7:1: unknown key \"server\" in [upstreams.app]; write endpoints = "
                  "[\"127.0.0.1:5000\"]",
                  "g.toml:9:1: unknown key \"cmd\" in [apps.web]; write command = [\"python3\", \"app.py\"], each "
                  "argument by itself"));
}

TEST(ForeignKeys, AMisspeltTableIsNotMissing) {
  const Loaded loaded =
      parse("[[listener]]\naddress = \":80\"\n[[routes]]\nto = \"app\"\n[upstream.app]\nx = 1\n", "g.toml");
  std::vector<std::string> said;
  for (const Diagnostic& diagnostic : loaded.diagnostics) said.push_back(diagnostic.to_string());
  EXPECT_THAT(said, ElementsAre("g.toml:1:3: unknown key \"listener\" at the top; write [[listeners]]",
                                HasSubstr("g.toml:5:2: unknown key \"upstream\" at the top; write [upstreams.NAME]")));
}

TEST(ForeignKeys, AKeyInTheWrongTableIsShownTheRightOne) {
  const Loaded loaded = parse("[server]\nmin_version = \"1.3\"\nstrip_prefix = true\nmax_idle = 1\n", "g.toml");
  std::string said;
  for (const Diagnostic& diagnostic : loaded.diagnostics) said += diagnostic.message + '\n';
  EXPECT_THAT(said, HasSubstr("unknown key \"min_version\" in [server]; it is a key of [listeners.tls]\n"));
  EXPECT_THAT(said, HasSubstr("unknown key \"strip_prefix\" in [server]; it is a key of [[routes]]\n"));
  EXPECT_THAT(said, HasSubstr("unknown key \"max_idle\" in [server]; it is a key of [apps.NAME.pool], "
                              "[upstreams.NAME.pool]\n"));
}

}  // namespace
}  // namespace gatehouse::config
