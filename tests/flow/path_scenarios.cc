// Paths: what reaches the app as it was sent, what is escaped, what is refused because it means two routes. The same for
// every protocol.
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

// The next request of the client, on the connection that the app has already if there is one. The record of it, which
// expect_response() looks for, has the target as it was sent.
void expect_at_app(Flow& f, App*& app, const std::string& sent, const std::string& received) {
  const Stream s = f.get(sent);
  if (app == nullptr) {
    app = &f.accept_request();
  } else {
    f.await_head(*app);
  }
  EXPECT_EQ(app->line(), "GET " + received + " HTTP/1.1") << sent;
  f.respond(*app, ok("x"), s);
  f.expect_response(s, 200, "x");
}

void close_admin(Flow& f) {
  f.options.others = {{.name = "closed", .path = "/admin", .action = RespondWith{.status = 403, .body = "closed"}}};
}

// Each on a client of its own, as some connections end with it.
Row refused(const char* name, std::string target, Fault fault,
            std::source_location here = std::source_location::current()) {
  return {name,
          [target = std::move(target), fault](Flow& f) {
            close_admin(f);
            const Stream s = f.get(target);
            f.expect_fault(s, fault);
            EXPECT_TRUE(f.nobody_connects());
          },
          kEveryProtocol, here};
}

const Table kTable = {
    {"PathsReachTheAppAsTheyWereSent",
     [](Flow& f) {
       App* app = nullptr;
       for (const std::string target :
            {"/api/v4/projects/group%2Fproject?ref=a%2fb", "/@scope%2fname", "/bucket//key///x",
             "/img/https://x.test/y", "/api/queues/%2F/name", "/a/./b/../c", "/a%5Cb%5cc", "/%7Euser/%c3%a4;v=1",
             "/x/%252F%2541", "/100%25", "/%C1%E0%ED%EA", "/a/..;b/c", "/[id]/(x)!$&'*+,=:@?[a]=b{}"}) {
         const bool raw_braces = target.ends_with("{}");
         expect_at_app(f, app, target, raw_braces ? target.substr(0, target.size() - 2) + "%7B%7D" : target);
       }
     }},
    {"CharactersThatAreHarmlessAreEscapedOnTheWay",
     [](Flow& f) {
       App* app = nullptr;
       expect_at_app(f, app, "/a|b{c}^d<e>\"f`", "/a%7Cb%7Bc%7D%5Ed%3Ce%3E%22f%60");
       expect_at_app(f, app, "/caf\xc3\xa9/\xff", "/caf%C3%A9/%FF");
       expect_at_app(f, app, "/?q=\xc3\xa9|\"<x>\\`", "/?q=%C3%A9%7C%22%3Cx%3E%5C%60");
       expect_at_app(f, app, "//\xc3\xa9", "//%C3%A9");
     }},
    {"OtherSpellingsOfARoutesPathAreItsOwn",
     [](Flow& f) {
       close_admin(f);
       for (const std::string target : {"/%61dmin", "/admin;a=b", "/admin/", "/%61%64%6D%69n/x", "/admin//x"}) {
         const Stream s = f.get(target);
         f.expect_response(s, 403, "closed");
       }
       EXPECT_TRUE(f.nobody_connects());
     }},
    refused("TwoSlashesToAnotherRouteAre400", "//admin", Fault::kAmbiguousPath),
    refused("DotsToAnotherRouteAre400", "/x/../admin", Fault::kAmbiguousPath),
    refused("EncodedDotsToAnotherRouteAre400", "/x/%2e%2e/admin", Fault::kAmbiguousPath),
    refused("AnEncodedSlashInARoutesPathIs400", "/admin%2fx", Fault::kAmbiguousPath),
    refused("AnEncodedSlashBehindDotsIs400", "/x/..%2fadmin", Fault::kAmbiguousPath),
    refused("AnEncodedBackslashIsASlash", "/x%5c..%5cadmin", Fault::kAmbiguousPath),
    refused("APathDecodedTwiceToAnotherRouteIs400", "/%2561dmin", Fault::kAmbiguousPath),
    refused("AnOverlongSlashIsASlash", "/x/..%c0%afadmin", Fault::kAmbiguousPath),
    refused("ParametersThatHideDotsAre400", "/x/..;a/admin", Fault::kAmbiguousPath),
    refused("DotsOutOfARouteAre400", "/admin/../x", Fault::kAmbiguousPath),
    refused("APathAboveTheRootIs400", "/a/../../b", Fault::kUnsafeTarget),
    refused("AnEncodedPathAboveTheRootIs400", "/a%2f..%2f..%2fb", Fault::kUnsafeTarget),
    refused("AnEncodedNulIs400", "/a%00b", Fault::kUnsafeTarget),
    refused("AnEncodedControlIs400", "/a%0d%0ab", Fault::kUnsafeTarget),
    refused("ABrokenEscapeIs400", "/a%zzb", Fault::kUnsafeTarget),
    refused("ABackslashInAPathIs400", "/a\\b", Fault::kUnsafeTarget),
    refused("AFragmentIs400", "/a?b#c", Fault::kUnsafeTarget),
    {"CanonicalPathsAreForwardedWhereTheRouteSaysSo",
     [](Flow& f) {
       f.options.route.path_as = PathAs::kCanonical;
       App* app = nullptr;
       expect_at_app(f, app, "/a//b/./c/../d%2fe?f=//.", "/a/b/d/e?f=//.");
       expect_at_app(f, app, "/%7eu/%c3%a9%2b;v=1/\xc3\xa9", "/~u/%C3%A9%2B;v=1/%C3%A9");
       expect_at_app(f, app, "/plain?x", "/plain?x");
     }},
    {"APrefixIsStrippedOffThePathAsSent",
     [](Flow& f) {
       f.options.route.path = "/api";
       f.options.route.strip_prefix = true;
       App* app = nullptr;
       expect_at_app(f, app, "/api/a%2Fb//c?q", "/a%2Fb//c?q");
       expect_at_app(f, app, "/api?q", "/?q");
       expect_at_app(f, app, "/api//x/\xc3\xa9", "//x/%C3%A9");
       const Stream s = f.get("/%61pi/x");
       f.expect_fault(s, Fault::kPrefixNotLiteral);
     }},
    {"WhatIsLeftOfAPrefixDoesNotLeadAboveTheRoot",
     [](Flow& f) {
       f.options.route.path = "/api";
       f.options.route.strip_prefix = true;
       const Stream s = f.get("/api/../api/x");
       f.expect_fault(s, Fault::kPrefixNotLiteral);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"ARewrittenPathIsTheEndpointsAndTheLogHasTheClients",
     [](Flow& f) {
       f.options.route.path = "/api";
       f.options.route.strip_prefix = true;
       f.options.route.rewrite = "/new{path}";
       App* app = nullptr;
       expect_at_app(f, app, "/api/a%2Fb//c?q=/api", "/new/a%2Fb//c?q=/api");
       expect_at_app(f, app, "/api", "/new/");
       const Stream s = f.get("/api/../api/x");
       f.expect_fault(s, Fault::kPrefixNotLiteral);
     }},
    {"WithoutAPrefixARewrittenPathSaysNothingOfOne",
     [](Flow& f) {
       f.options.route.rewrite = "/new{path}";
       const Stream s = f.get("/a?b");
       App& app = f.accept_request();
       EXPECT_EQ(app.line(), "GET /new/a?b HTTP/1.1");
       EXPECT_FALSE(app.has("x-forwarded-prefix"));
       f.respond(app, ok("x"), s);
       f.expect_response(s, 200, "x");
     }},
    {"ARedirectToThePathOfTheRequestStaysOnThisSite",
     [](Flow& f) {
       f.options.others = {{.name = "again", .hosts = {"again.test"}, .action = RedirectTo{.target = "{uri}"}}};
       const Stream s = f.begin({.target = "//evil.test/|", .authority = "again.test"});
       f.expect_response(s, 308, "");
       EXPECT_EQ(f.response(s).field("location"), "/.//evil.test/%7C");
     }},
    {"AnEmptyPortIsNone",
     [](Flow& f) {
       const Stream s = f.begin({.target = "/x", .authority = "Shop.Test:"});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("Host"), "shop.test");
       f.respond(app, ok("x"), s);
       f.expect_response(s, 200, "x");
     }},
    {"TheAbsoluteFormsAuthorityTakesThePlaceOfHost",
     [](Flow& f) {
       const Stream s = f.begin({.target = "http://Other.Test:/x", .authority = "shop.test"});
       App& app = f.accept_request();
       EXPECT_EQ(app.line(), "GET /x HTTP/1.1");
       EXPECT_EQ(app.field("Host"), "other.test");
       EXPECT_EQ(app.field("X-Forwarded-Host"), "other.test");
       f.respond(app, ok("x"), s);
       EXPECT_EQ(f.record("/x").status, 200);
     },
     kOnlyH1},
};

}  // namespace
}  // namespace gatehouse::flow
