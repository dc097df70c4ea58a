// Which of both a request takes: a route of the configuration, or what a process has registered.
#include "proxy/forward/registered_routes.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

Route configured(std::string name, std::vector<std::string> hosts, std::string path = "/") {
  return {.name = std::move(name), .hosts = std::move(hosts), .path = std::move(path), .action = RespondWith{}};
}

RegisteredRoutes registered(const std::vector<std::string>& prefixes) {
  std::vector<RegisteredRoutes::Entry> entries;
  for (const std::string& text : prefixes) {
    const UrlPrefix prefix = *UrlPrefix::parse(text);
    entries.push_back(std::make_shared<const RegisteredRoute>(
        RegisteredRoute{.prefix = prefix, .route = {.name = text, .path = prefix.path, .action = RespondWith{}}}));
  }
  return RegisteredRoutes(std::move(entries));
}

struct Asked {
  const char* host;
  const char* path;
  const char* name;  // "": none
};

void expect(const RegisteredRoutes& table, const RouteTable& routes, const ListenerPolicy& listener,
            const std::vector<Asked>& all) {
  for (const Asked& each : all) {
    const auto found = table.match(routes, listener, each.host, each.path);
    EXPECT_EQ(found.route == nullptr ? "" : found.route->name, each.name) << each.host << each.path;
    const bool is_registered = std::string_view(each.name).contains("://");
    EXPECT_EQ(found.entry != nullptr, is_registered) << each.host << each.path;
    if (found.entry != nullptr) {
      EXPECT_EQ(&(*found.entry)->route, found.route);
    }
  }
}

const ListenerPolicy kHttps{.name = "https", .secure = true, .public_port = 443};

TEST(RegisteredRoutesTest, TheLongestPathOfAHostWinsByWholeSegments) {
  const RouteTable routes({configured("shop", {"shop.example"}), configured("api", {"shop.example"}, "/orders/api")});
  const auto table = registered({"https://shop.example/orders/", "https://shop.example/orders/api/v2/"});
  expect(table, routes, kHttps,
         {{"shop.example", "/", "shop"},
          {"shop.example", "/ordersx", "shop"},
          {"shop.example", "/orders", "https://shop.example/orders/"},
          {"shop.example", "/orders/", "https://shop.example/orders/"},
          {"shop.example", "/orders/7", "https://shop.example/orders/"},
          {"shop.example", "/Orders/7", "shop"},
          {"shop.example", "/orders/api", "api"},
          {"shop.example", "/orders/api/v1", "api"},
          {"shop.example", "/orders/api/v2/x", "https://shop.example/orders/api/v2/"},
          {"other.example", "/orders", ""}});
}

TEST(RegisteredRoutesTest, CategoriesAreAskedInTheOrderOfHttpSys) {
  const RouteTable routes({configured("wild", {"*.example"}, "/wild"), configured("any", {}, "/any/long/path"),
                           configured("host", {"shop.example"}, "/host")});
  const ListenerPolicy listener{
      .name = "https", .address = *Address::parse("192.0.2.7:443"), .secure = true, .public_port = 443};
  const auto table = registered({"https://+/strong/", "https://shop.example/host/deep/", "https://192.0.2.7/",
                                 "https://*/", "https://*/any/long/path/below/"});
  expect(table, routes, listener,
         {{"shop.example", "/strong/x", "https://+/strong/"},
          {"shop.example", "/host", "host"},
          {"shop.example", "/host/deep/x", "https://shop.example/host/deep/"},
          {"shop.example", "/wild/x", "wild"},
          {"shop.example", "/any/long/path", "https://192.0.2.7/"},
          {"else.test", "/wild/x", "https://192.0.2.7/"}});
  // Another listener has another address: only the weak wildcard is left, beside routes for any host.
  expect(table, routes, kHttps,
         {{"else.test", "/wild/x", "https://*/"},
          {"else.test", "/any/long/path", "any"},
          {"else.test", "/any/long/path/below/x", "https://*/any/long/path/below/"},
          {"else.test", "/strong", "https://+/strong/"}});
}

TEST(RegisteredRoutesTest, SchemeAndPortAreTheListeners) {
  const RouteTable routes({configured("any", {})});
  const auto table = registered({"https://a.example:8443/x/", "http://a.example/x/"});
  const char* const secure = "https://a.example:8443/x/";
  const char* const clear = "http://a.example/x/";
  const auto on = [&](bool is_secure, std::uint16_t port, const char* name) {
    expect(table, routes, {.name = "l", .secure = is_secure, .public_port = port}, {{"a.example", "/x/y", name}});
  };
  on(true, 8443, secure);
  on(true, 443, "any");
  on(false, 8443, "any");
  on(false, 80, clear);
  on(false, 0, clear);  // a Unix socket: the scheme's own port
}

TEST(RegisteredRoutesTest, ARouteOfTheSameHostAndPathTakesItsPlace) {
  const RouteTable routes({configured("host", {"a.example"}, "/x"), configured("any", {}, "/y")});
  const auto taken = [&](const char* prefix) {
    const Route* route = takes_place_of(routes, *UrlPrefix::parse(prefix));
    return route == nullptr ? std::string() : route->name;
  };
  EXPECT_EQ(taken("https://a.example/x/"), "host");
  EXPECT_EQ(taken("https://a.example/x/z/"), "");
  EXPECT_EQ(taken("https://b.example/x/"), "");
  EXPECT_EQ(taken("https://a.example/y/"), "");
  EXPECT_EQ(taken("https://+/y/"), "any");
  EXPECT_EQ(taken("https://*/y/"), "any");
  EXPECT_EQ(taken("https://192.0.2.7/y/"), "any");
  EXPECT_EQ(taken("https://*/x/"), "");
}

}  // namespace
}  // namespace gatehouse
