#include "proxy/explain/route_reasons.h"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(RouteReasons, LessSpecificHostsSayWhatCountsMore) {
  std::vector<Route> routes;
  routes.push_back({.name = "any", .path = "/a/b", .action = RespondWith{}});
  routes.push_back({.name = "wild", .hosts = {"*.example"}, .path = "/a", .action = RespondWith{}});
  routes.push_back({.name = "exact", .hosts = {"x.example"}, .path = "/", .action = RespondWith{}});
  const RouteTable table(std::move(routes));
  const RouteReasons reasons = route_reasons(table, "x.example", "/a/b/c");
  ASSERT_NE(reasons.chosen, nullptr);
  EXPECT_EQ(reasons.chosen->name, "exact");
  ASSERT_EQ(reasons.others.size(), 2U);
  EXPECT_EQ(reasons.others[0].why, "it takes any host, which counts less");
  EXPECT_EQ(reasons.others[1].why, "its host \"*.example\" counts less than an exact one");
}

}  // namespace
}  // namespace gatehouse
