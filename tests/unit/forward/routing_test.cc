// What answers a request where no endpoint is needed for it, and that the right thing is chosen.
#include "proxy/forward/routing.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "proxy/forward/redirect.h"
#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace testing_support;

class RoutingTest : public ::testing::Test {
 protected:
  TestExchange ask(Route route, const std::string& target, ClientInfo client = {}) {
    std::vector<Route> all;
    all.push_back(std::move(route));
    const auto routes = std::make_shared<const RouteTable>(std::move(all));
    return {world, routes, request_head("GET", target), std::move(client)};
  }
  UpstreamWorld world;
};

TEST_F(RoutingTest, RedirectsWithPathQueryAndHost) {
  TestExchange e =
      ask({.name = "r", .action = RedirectTo{.target = "https://{host}/new{uri}", .status = 307}}, "/a?b=c");
  world.settle();
  EXPECT_EQ(e.status(), 307);
  EXPECT_EQ(e->response()->fields.find(FieldName::kLocation), "https://shop.example.com/new/a?b=c");
  EXPECT_TRUE(e.complete());
  EXPECT_EQ(e->record().route, "r");
}

TEST_F(RoutingTest, RespondsWithWhatIsConfigured) {
  TestExchange e = ask({.action = RespondWith{.status = 410, .body = "gone"}}, "/");
  world.settle();
  EXPECT_EQ(e.status(), 410);
  EXPECT_EQ(e.body, "gone");
  EXPECT_TRUE(e.complete());
}

TEST_F(RoutingTest, AFixedAnswerDoesNotWaitForTheRequestsBody) {
  std::vector<Route> all(1);
  all[0].action = RespondWith{.status = 404};
  TestExchange e(world, std::make_shared<const RouteTable>(std::move(all)),
                 request_head("POST", "/", BodyLength::unknown()));
  world.settle();
  EXPECT_EQ(e.status(), 404);
  EXPECT_TRUE(e->request_body().abandoned());
}

TEST_F(RoutingTest, WhatMayBeAReplayIsServedOnlyIfItChangesNothing) {
  struct {
    const char* method;
    int status;
    BodyLength body = {};
    const char* upgrade = "";
  } const rows[] = {{"GET", 204},
                    {"HEAD", 204},
                    {"GET", 204, BodyLength::known(0)},
                    {"GET", 425, BodyLength::known(5)},
                    {"GET", 425, BodyLength::unknown()},
                    {"GET", 425, BodyLength::none(), "websocket"},
                    {"POST", 425},
                    {"PUT", 425},
                    {"DELETE", 425}};
  for (const auto& row : rows) {
    std::vector<Route> all(1);
    all[0].name = "r";
    all[0].action = RespondWith{.status = 204};
    RequestHead head = request_head(row.method, "/", row.body);
    head.upgrade = row.upgrade;
    TestExchange e(world, std::make_shared<const RouteTable>(std::move(all)), std::move(head), {.early = true});
    world.settle();
    EXPECT_EQ(e.status(), row.status) << &row - rows;
    EXPECT_EQ(e->record().fault == Fault::kTooEarly, row.status == 425) << &row - rows;
    EXPECT_EQ(e->record().route, "r");
  }
}

TEST_F(RoutingTest, WithoutARouteItIs404) {
  TestExchange e = ask({.hosts = {"other.org"}, .action = RespondWith{}}, "/");
  world.settle();
  EXPECT_EQ(e.status(), 404);
  EXPECT_EQ(e->record().fault, Fault::kNoRoute);
  EXPECT_TRUE(e->response()->fields.find(FieldName::kProxyStatus).has_value());
}

TEST_F(RoutingTest, AListenerMayRedirectEverythingToHttps) {
  auto policy = std::make_shared<ListenerPolicy>();
  policy->redirect_to_https = true;
  policy->https_port = 8443;
  TestExchange e = ask({.action = RespondWith{}}, "/x?y", {.listener = policy});
  world.settle();
  EXPECT_EQ(e.status(), 308);
  EXPECT_EQ(e->response()->fields.find(FieldName::kLocation), "https://shop.example.com:8443/x?y");
}

TEST_F(RoutingTest, WhoHasComeToATrustedProxyByHttpsIsNotSentThereAgain) {
  auto policy = std::make_shared<ListenerPolicy>();
  policy->redirect_to_https = true;
  policy->trusted_proxies = {AddressRange::parse("10.0.0.0/8").value()};
  for (const auto& [peer, scheme, status] :
       {std::tuple{"10.0.0.1:1", "https", 200}, {"10.0.0.1:1", "http", 308}, {"192.0.2.1:1", "https", 308}}) {
    RequestHead head = request_head("GET", "/");
    head.fields.add("X-Forwarded-Proto", scheme);
    TestExchange e(world,
                   std::make_shared<const RouteTable>(std::vector<Route>{{.action = RespondWith{.status = 200}}}),
                   std::move(head), {.address = *Address::parse(peer), .listener = policy});
    world.settle();
    EXPECT_EQ(e.status(), status) << peer << ' ' << scheme;
  }
}

TEST_F(RoutingTest, WhoSpeaksHttpWhereTlsIsSpokenIsSentThereIfItSaysWhere) {
  auto policy = std::make_shared<ListenerPolicy>();
  policy->public_port = 8443;
  TestExchange e = ask({.action = RespondWith{}}, "/x?y", {.listener = policy, .strayed = true});
  world.settle();
  EXPECT_EQ(e.status(), 308);
  EXPECT_EQ(e->response()->fields.find(FieldName::kLocation), "https://shop.example.com:8443/x?y");
  RequestHead nameless = request_head("GET", "/");
  nameless.authority.clear();
  TestExchange other(world, std::make_shared<const RouteTable>(std::vector<Route>(1)), std::move(nameless),
                     {.listener = policy, .strayed = true});
  world.settle();
  EXPECT_EQ(other.status(), 400);
  EXPECT_EQ(other->record().fault, Fault::kPlainHttpOnTls);
}

TEST_F(RoutingTest, ARouteMayStayOutOfTheRedirect) {
  auto policy = std::make_shared<ListenerPolicy>();
  policy->redirect_to_https = true;
  std::vector<Route> all(2);
  all[0] = {.path = "/challenge", .action = RespondWith{.status = 200}, .redirect_to_https = false};
  all[1] = {.action = RespondWith{.status = 200}};
  const auto routes = std::make_shared<const RouteTable>(std::move(all));
  for (const auto& [target, status] : {std::pair{"/challenge/x", 200}, {"/", 308}, {"/challenges", 308}}) {
    TestExchange e(world, routes, request_head("GET", target), {.listener = policy});
    world.settle();
    EXPECT_EQ(e.status(), status) << target;
  }
}

TEST_F(RoutingTest, MatchesByTheCanonicalPath) {
  RequestHead head = request_head("GET", "/admin;x=1/y");
  head.match_path = "/admin/y";
  std::vector<Route> all(2);
  all[0] = {.name = "admin", .path = "/admin", .action = RespondWith{.status = 403}};
  all[1] = {.name = "rest", .action = RespondWith{.status = 200}};
  TestExchange e(world, std::make_shared<const RouteTable>(std::move(all)), std::move(head));
  world.settle();
  EXPECT_EQ(e.status(), 403);
}

TEST_F(RoutingTest, APathThatMeansTwoRoutesGetsNeither) {
  std::vector<Route> all(2);
  all[0] = {.name = "admin", .path = "/admin", .action = RespondWith{.status = 403}};
  all[1] = {.name = "rest", .action = RespondWith{.status = 200}};
  const auto routes = std::make_shared<const RouteTable>(std::move(all));
  const auto chosen = [&](std::string target, std::string canonical, bool ambiguous) -> std::string {
    RequestHead head = request_head("GET", target);
    head.match_path = std::move(canonical);
    head.path_is_ambiguous = ambiguous;
    const auto match = route_of({.configured = routes}, nullptr, head);
    return match ? match->route->name : std::string(rule(match.error()).label);
  };
  EXPECT_EQ(chosen("/%61dmin", "/admin", false), "admin");
  EXPECT_EQ(chosen("/admin/a%2fb", "/admin/a/b", true), "admin");
  EXPECT_EQ(chosen("/a%2fb//c", "/a/b/c", true), "rest");
  EXPECT_EQ(chosen("/a/../admin", "/admin", true), "ambiguous_path");
  EXPECT_EQ(chosen("/admin%2f..", "/", true), "ambiguous_path");
  EXPECT_EQ(chosen("/%2561dmin", "/%2561dmin", true), "ambiguous_path");
  EXPECT_EQ(chosen("/a%2500", "/a%2500", true), "ambiguous_path");
}

TEST(RedirectTest, ToThePathOfTheRequestDoesNotLeaveTheSite) {
  RequestHead head = request_head("GET", "//evil.example/%2e%2e?x");
  EXPECT_EQ(redirect::location("{uri}", head, redirect::uri_of(head)), "/.//evil.example/%2e%2e?x");
  EXPECT_EQ(redirect::location("/{uri}", head, redirect::uri_of(head)), "/.///evil.example/%2e%2e?x");
  EXPECT_EQ(redirect::location("https://{host}{uri}", head, redirect::uri_of(head)),
            "https://shop.example.com//evil.example/%2e%2e?x");
  head.target = "/\xc3\xa4|";
  head.target_needs_escapes = true;
  EXPECT_EQ(redirect::location("https://{host}{uri}", head, redirect::uri_of(head)),
            "https://shop.example.com/%C3%A4%7C");
}

TEST(RedirectTest, KeepsBracketsAndLeavesOutTheUsualPort) {
  RequestHead head = request_head("GET", "/x");
  head.authority = "[::1]:80";
  EXPECT_EQ(redirect::https_location(head, 443), "https://[::1]/x");
  EXPECT_EQ(redirect::location("https://{host}{uri}", head, redirect::uri_of(head)), "https://[::1]/x");
  head.authority = "a.org:8080";
  head.target = "*";
  EXPECT_EQ(redirect::https_location(head, 444), "https://a.org:444/");
  EXPECT_EQ(redirect::location("{other}", head, redirect::uri_of(head)), "{other}");
}

}  // namespace
}  // namespace gatehouse
