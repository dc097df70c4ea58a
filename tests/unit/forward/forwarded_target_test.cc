// The target as an endpoint gets it: escaped, without the route's prefix, resolved.
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "proxy/forward/request_rules.h"
#include "proxy/http/target.h"

namespace gatehouse {
namespace {

class ForwardedTargetTest : public ::testing::Test {
 protected:
  RequestHead head{.method = "GET"};
  Route route;
};

TEST_F(ForwardedTargetTest, AsksForThePathInTheFormThatTheRouteWants) {
  const auto asked = [this](std::string target, PathAs path_as = PathAs::kReceived) {
    const auto parsed = target::parse(target, "GET").value();
    head.target = std::move(target);
    head.target_needs_escapes = parsed.needs_escapes;
    route.path_as = path_as;
    return forwarded_target(head, route).value();
  };
  EXPECT_EQ(asked("/a%2fb//c/.?q"), "") << "as it is";
  EXPECT_EQ(asked("/a|b//?c|"), "/a%7Cb//?c%7C");
  EXPECT_EQ(asked("/a%2fb//c/.?q=//", PathAs::kCanonical), "/a/b/c/?q=//");
  EXPECT_EQ(asked("/a|b//?c|", PathAs::kCanonical), "/a%7Cb/?c%7C");
  EXPECT_EQ(asked("/plain?//", PathAs::kCanonical), "");
  route.strip_prefix = true;
  route.path = "/api";
  EXPECT_EQ(asked("/api/a%2fb//c", PathAs::kCanonical), "/a/b/c");
  EXPECT_EQ(asked("/api/\xc3\xa4"), "/%C3%A4");
}

TEST_F(ForwardedTargetTest, StripsAPrefixThatIsThereLiterally) {
  struct {
    const char* prefix;
    const char* target;
    const char* stripped;
  } const cases[] = {{"/api", "/api", "/"},
                     {"/api", "/api/", "/"},
                     {"/api", "/api/x?y=/z", "/x?y=/z"},
                     {"/api", "/api?q", "/?q"},
                     {"/api/v1/", "/api/v1/x", "/x"},
                     {"/api", "/api//x%2f;y", "//x%2f;y"},
                     {"/", "/x", ""}};
  for (const auto& one : cases) {
    route.strip_prefix = true;
    route.path = one.prefix;
    head.target = one.target;
    EXPECT_EQ(forwarded_target(head, route), one.stripped) << one.target;
  }
  route.path = "/api";
  for (const char* const hidden : {"/api;p=1/x", "/%61pi/x", "//api/x", "/./api", "/apis", "/api%2fx"}) {
    head.target = hidden;
    EXPECT_EQ(forwarded_target(head, route).error_or(Fault::kInternalError), Fault::kPrefixNotLiteral) << hidden;
  }
  head.path_is_ambiguous = true;
  for (const char* const up : {"/api/../api/x", "/api/..%2fapi"}) {
    head.target = up;
    EXPECT_EQ(forwarded_target(head, route).error_or(Fault::kInternalError), Fault::kPrefixNotLiteral) << up;
  }
  head.target = "*";
  EXPECT_EQ(forwarded_target(head, route), "");
  route.strip_prefix = false;
  head.target = "/api/x";
  EXPECT_EQ(forwarded_target(head, route), "");
}

TEST_F(ForwardedTargetTest, PutsThePathWhereTheRouteWantsIt) {
  struct {
    const char* rewrite;
    const char* prefix;  // that is taken off; null: nothing is
    const char* target;
    const char* rewritten;
  } const cases[] = {{"/new{path}", nullptr, "/a/b?q=/c", "/new/a/b?q=/c"},
                     {"/new{path}", "/api", "/api/b?", "/new/b?"},
                     {"/new{path}", "/api", "/api", "/new/"},
                     {"/new", "/api", "/api/b?q", "/new?q"},
                     {"/", nullptr, "/a", "/"},
                     {"{path}.html", nullptr, "/a/b?q", "/a/b.html?q"},
                     {"/v1{path}/raw", nullptr, "/a%2fb//c;v=1", "/v1/a%2fb//c;v=1/raw"},
                     {"/v1{path}", nullptr, "/.well-known/x", "/v1/.well-known/x"},
                     {"/new{path}", nullptr, "*", ""}};
  for (const auto& one : cases) {
    route.rewrite = one.rewrite;
    route.strip_prefix = one.prefix != nullptr;
    route.path = one.prefix != nullptr ? one.prefix : "/";
    head.target = one.target;
    EXPECT_EQ(forwarded_target(head, route), one.rewritten) << one.rewrite << " " << one.target;
  }
}

TEST_F(ForwardedTargetTest, ARewrittenPathIsEscapedAndResolvedBefore) {
  route.rewrite = "/new{path}";
  route.path_as = PathAs::kCanonical;
  head.target = "/a|b/../c//%64";
  head.target_needs_escapes = true;
  EXPECT_EQ(forwarded_target(head, route), "/new/c/d");
}

TEST_F(ForwardedTargetTest, ARewrittenPathDoesNotLeadOutOfItsPlace) {
  head.path_is_ambiguous = true;
  route.rewrite = "/new{path}";
  head.target = "/a/../b";
  EXPECT_EQ(forwarded_target(head, route), "/new/a/../b") << "it stays below /new in every reading";
  route.strip_prefix = true;
  route.path = "/a";
  EXPECT_EQ(forwarded_target(head, route).error_or(Fault::kInternalError), Fault::kPrefixNotLiteral);
  route.strip_prefix = false;
  route.rewrite = "/new{path}./x";
  for (const char* const up : {"/.", "/%2e", "/%252e"}) {
    head.target = up;
    EXPECT_EQ(forwarded_target(head, route).error_or(Fault::kInternalError), Fault::kUnsafeTarget) << up;
  }
}

}  // namespace
}  // namespace gatehouse
