#include "proxy/forward/route_table.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

Route route(std::string name, std::vector<std::string> hosts, std::string path = "/") {
  return {.name = std::move(name), .hosts = std::move(hosts), .path = std::move(path), .action = RespondWith{}};
}

std::string match(const RouteTable& table, std::string_view host, std::string_view path) {
  const Route* found = table.match(host, path);
  return found == nullptr ? "none" : found->name;
}

std::vector<Route> example() {
  return {route("any", {}),
          route("any-health", {}, "/health"),
          route("wide", {"*.example.com"}),
          route("narrow", {"*.shop.example.com"}),
          route("exact", {"www.example.com"}, "/"),
          route("api", {"www.example.com", "api.example.com"}, "/api"),
          route("v1", {"www.example.com"}, "/api/v1/")};
}

TEST(RouteTableTest, TakesTheMostSpecificHostThenTheLongestPath) {
  const RouteTable table(example());
  struct {
    const char* host;
    const char* path;
    const char* name;
  } const cases[] = {
      {"www.example.com", "/", "exact"},        {"www.example.com", "/apiary", "exact"},
      {"www.example.com", "/api", "api"},       {"www.example.com", "/api/", "api"},
      {"www.example.com", "/api/v1", "v1"},     {"www.example.com", "/api/v1/", "v1"},
      {"www.example.com", "/api/v1/x/y", "v1"}, {"www.example.com", "/api/v11", "api"},
      {"www.example.com", "/health", "exact"},  {"a.example.com", "/", "wide"},
      {"a.b.example.com", "/x", "wide"},        {"a.shop.example.com", "/x", "narrow"},
      {"shop.example.com", "/x", "wide"},       {"example.com", "/x", "any"},
      {"badexample.com", "/x", "any"},          {"other.org", "/health/live", "any-health"},
      {"other.org", "/healthy", "any"},         {"", "/x", "any"},
      {"www.example.com", "*", "exact"},
  };
  for (const auto& one : cases) EXPECT_EQ(match(table, one.host, one.path), one.name) << one.host << one.path;
}

TEST(RouteTableTest, ALessSpecificHostServesWhatTheMoreSpecificOnesDoNot) {
  const RouteTable table(example());
  EXPECT_EQ(match(table, "api.example.com", "/api/x"), "api");
  EXPECT_EQ(match(table, "api.example.com", "/other"), "wide");
}

TEST(RouteTableTest, HasNoRouteWhereNoneWasGiven) {
  const RouteTable table({route("a", {"a.com"}, "/x")});
  EXPECT_EQ(match(table, "a.com", "/"), "none");
  EXPECT_EQ(match(table, "a.com", "/xy"), "none");
  EXPECT_EQ(match(table, "b.com", "/x"), "none");
  EXPECT_EQ(match(RouteTable({}), "a.com", "/"), "none");
}

TEST(RouteTableTest, TheFirstOfTwoEqualRoutesWins) {
  const RouteTable table({route("first", {}, "/x"), route("second", {}, "/x/")});
  EXPECT_EQ(match(table, "a", "/x/y"), "first");
}

TEST(RouteTableTest, TenThousandRoutesMeanTheSameAsAFew) {
  std::vector<Route> routes = example();
  for (int i = 0; i < 10'000; ++i) {
    const std::string number = std::to_string(i);
    routes.push_back(route("host" + number, {"h" + number + ".many.org"}, "/p" + number));
    routes.push_back(route("path" + number, {}, "/many/p" + number));
  }
  const RouteTable table(std::move(routes));
  EXPECT_EQ(match(table, "www.example.com", "/api/v1/x"), "v1");
  EXPECT_EQ(match(table, "a.example.com", "/"), "wide");
  EXPECT_EQ(match(table, "h77.many.org", "/p77/x"), "host77");
  EXPECT_EQ(match(table, "h77.many.org", "/p78/x"), "any");
  EXPECT_EQ(match(table, "x.org", "/many/p9999"), "path9999");
  EXPECT_EQ(match(table, "x.org", "/many/p99999"), "any");
}

// Every prefix by whole segments, tried one by one: what the table must agree with.
TEST(RouteTableTest, AgreesWithTheDefinitionOnManyPaths) {
  std::vector<Route> routes;
  const std::vector<std::string> prefixes = {"/", "/a", "/a/b", "/a/b/c", "/ab", "/b/a/b", "/a/a/a/a"};
  for (const std::string& prefix : prefixes) routes.push_back(route(prefix, {}, prefix));
  const RouteTable table(std::move(routes));
  std::vector<std::string> paths = {""};
  for (std::size_t i = 0; i < paths.size() && paths.size() < 4000; ++i) {
    for (const char* more : {"/a", "/b", "/c", "b", "/"}) {
      if (!paths[i].empty() || *more == '/') paths.push_back(paths[i] + more);
    }
  }
  for (const std::string& path : paths) {
    if (path.empty() || path.find("//") != std::string::npos) continue;
    std::string expected;
    for (const std::string& prefix : prefixes) {
      const bool whole = prefix == "/" || path == prefix || path.starts_with(prefix + "/");
      if (whole && prefix.size() > expected.size()) expected = prefix;
    }
    EXPECT_EQ(match(table, "x", path), expected) << path;
  }
}

}  // namespace
}  // namespace gatehouse
