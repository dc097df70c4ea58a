// Routes with a cache: what is stored and what is not, whose it is, and what a client gets of it.
#include "tests/flow/cache_play.h"

namespace gatehouse::flow {
namespace {

constexpr auto kHttpSys = Caching::kHttpSys;
constexpr auto kHttp = Caching::kHttp;

// The app is asked both times: nothing of the first answer was kept.
void expect_not_stored(Flow& f, const Request& request, std::string_view first, const Request& again) {
  f.expect_response(asked(f, request, first), 200, "one");
  f.expect_response(asked(f, again, fresh("two")), 200, "two");
}

void expect_not_stored(Flow& f, std::string_view fields) {
  expect_not_stored(f, {}, fresh("one", fields), {});
}

const Table kTable = {
    {"ASecondRequestIsAnsweredFromTheCache",
     [](Flow& f) {
       keep(f, kHttpSys);
       const Stream first = asked(f, {.target = "/a?b"}, fresh("one"));
       EXPECT_EQ(f.response(first).field("cache-status"), "gatehouse; fwd=uri-miss; stored");
       f.expect_response(first, 200, "one");
       f.pass(1s);
       const Stream s = stored(f, {.target = "/a?b"}, 200, "one");
       EXPECT_EQ(f.response(s).field("age"), "1");
       EXPECT_EQ(f.response(s).field("cache-status"), "gatehouse; hit; ttl=58");
       EXPECT_NE(f.response(s).field("x-request-id"), f.response(first).field("x-request-id"));
     }},
    {"RoutesWithoutACacheKeepNothingAndSayNothing",
     [](Flow& f) {
       const Stream s = asked(f, {}, fresh("one"));
       EXPECT_EQ(f.response(s).field("cache-status"), "");
       f.expect_response(s, 200, "one");
       f.expect_response(asked(f, {}, fresh("two")), 200, "two");
     }},
    {"HeadIsAnsweredFromWhatGetHasStored",
     [](Flow& f) {
       keep(f, kHttpSys);
       f.expect_response(asked(f, {}, fresh("one")), 200, "one");
       const Stream s = stored(f, {.method = "HEAD"}, 200, "");
       EXPECT_EQ(f.response(s).field("content-length"), "3");
     }},
    {"QueriesAreEntriesOfTheirOwn",
     [](Flow& f) {
       keep(f, kHttpSys);
       f.expect_response(asked(f, {.target = "/a?1"}, fresh("one")), 200, "one");
       f.expect_response(asked(f, {.target = "/a?2"}, fresh("two")), 200, "two");
       f.expect_response(asked(f, {.target = "/a"}, fresh("three")), 200, "three");
       stored(f, {.target = "/a?1"}, 200, "one");
       stored(f, {.target = "/a?2"}, 200, "two");
     }},
    {"AnEscapedSlashIsAnotherEntry",
     [](Flow& f) {
       keep(f, kHttp);
       f.expect_response(asked(f, {.target = "/a%2Fb"}, fresh("one")), 200, "one");
       f.expect_response(asked(f, {.target = "/a/b"}, fresh("two")), 200, "two");
       stored(f, {.target = "/a%2Fb"}, 200, "one");
     }},
    {"CanonicalPathsShareTheirEntry",
     [](Flow& f) {
       keep(f, kHttp);
       f.options.route.path_as = PathAs::kCanonical;
       f.expect_response(asked(f, {.target = "/a/%62"}, fresh("one")), 200, "one");
       stored(f, {.target = "/a/b"}, 200, "one");
     }},
    {"HostsDoNotShareEntries",
     [](Flow& f) {
       keep(f, kHttp);
       f.expect_response(asked(f, {.authority = "a.test"}, fresh("one")), 200, "one");
       f.expect_response(asked(f, {.authority = "b.test"}, fresh("two")), 200, "two");
     }},
    {"HttpSysKeepsNothingThatIsNotPublic",
     [](Flow& f) {
       keep(f, kHttpSys);
       expect_not_stored(f, "Cache-Control: max-age=60\r\n");
     }},
    {"HttpSysKeepsNothingWithoutATime",
     [](Flow& f) {
       keep(f, kHttpSys);
       expect_not_stored(f, "Cache-Control: public\r\n");
     }},
    {"HttpSysKeepsNothingWithVary",
     [](Flow& f) {
       keep(f, kHttpSys);
       expect_not_stored(f, "Cache-Control: public, max-age=60\r\nVary: accept\r\n");
     }},
    {"HttpSysKeepsNothingWithPragma",
     [](Flow& f) {
       keep(f, kHttpSys);
       expect_not_stored(f, "Cache-Control: public, max-age=60\r\nPragma: x\r\n");
     }},
    {"HttpSysKeepsWhatExpires",
     [](Flow& f) {
       keep(f, kHttpSys);
       constexpr auto kFields = "Cache-Control: public\r\nExpires: Sat, 01 Jan 2050 00:00:00 GMT\r\n";
       f.expect_response(asked(f, {}, fresh("one", kFields)), 200, "one");
       stored(f, {}, 200, "one");
     }},
    {"HttpSysLeavesAuthorizedRequestsAlone",
     [](Flow& f) {
       keep(f, kHttpSys);
       const Request authorized{.fields = {{"authorization", "Basic eA=="}}};
       expect_not_stored(f, authorized, fresh("one"), authorized);
       f.expect_response(asked(f, {}, fresh("three")), 200, "three");
       f.expect_response(asked(f, authorized, fresh("four")), 200, "four");
     }},
    {"WhatSetsACookieIsNotKept",
     [](Flow& f) {
       keep(f, kHttp);
       expect_not_stored(f, "Cache-Control: public, max-age=60\r\nSet-Cookie: a=b\r\n");
     }},
    {"WhatSaysNothingOfItsTimeIsNotKept",
     [](Flow& f) {
       keep(f, kHttp);
       expect_not_stored(f, "Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT\r\n");
     }},
    {"PrivateAnswersAreNotKept",
     [](Flow& f) {
       keep(f, kHttp);
       expect_not_stored(f, "Cache-Control: private, max-age=60\r\n");
     }},
    {"NoStoreIsNotKept",
     [](Flow& f) {
       keep(f, kHttp);
       expect_not_stored(f, "Cache-Control: no-store, max-age=60\r\n");
     }},
    {"AnotherMethodInAFieldPreventsTheCache",
     [](Flow& f) {
       keep(f, kHttp);
       const Request steered{.fields = {{"x-http-method-override", "DELETE"}}};
       f.expect_response(asked(f, steered, fresh("one")), 200, "one");
       f.expect_response(asked(f, {}, fresh("two")), 200, "two");
       const Stream s = asked(f, steered, fresh("three"));
       EXPECT_EQ(f.response(s).field("cache-status"), "gatehouse; fwd=bypass");
       f.expect_response(s, 200, "three");
     }},
    {"AGetWithABodyPassesTheCacheBy",
     [](Flow& f) {
       keep(f, kHttp);
       for (const char* body : {"one", "two"}) {
         const Stream s = f.begin({.body = BodyLength::known(1)});
         f.client().send(s, "x");
         f.client().finish(s);
         f.respond(f.accept_request(), fresh(body), s);
         f.expect_response(s, 200, body);
       }
     }},
    {"WhatAnUntrustedClientSaysOfItsHostSteersNothing",
     [](Flow& f) {
       keep(f, kHttp);
       const Stream s = f.begin({.fields = {{"x-forwarded-host", "evil.test"}, {"x-original-url", "/admin"}}});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("X-Forwarded-Host"), "shop.test");
       EXPECT_FALSE(app.has("X-Original-URL"));
       f.respond(app, fresh("one"), s);
       f.expect_response(s, 200, "one");
       stored(f, {}, 200, "one");
     }},
    {"WhatATrustedProxySaysOfTheHostIsKeyed",
     [](Flow& f) {
       keep(f, kHttp);
       f.options.policy.trusted_proxies = {AddressRange::parse("192.0.2.0/24").value()};
       for (const auto* name :
            {"x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-forwarded-prefix", "x-host"}) {
         f.expect_response(asked(f, {.target = "/" + std::string(name), .fields = {{name, "8"}}}, fresh("one")), 200,
                           "one");
         f.expect_response(asked(f, {.target = "/" + std::string(name)}, fresh("two")), 200, "two");
         stored(f, {.target = "/" + std::string(name), .fields = {{name, "8"}}}, 200, "one");
       }
     }},
    {"WhoeverATrustedProxyNamesAsItsUserIsServedPastTheCache",
     [](Flow& f) {
       keep(f, kHttp);
       f.options.policy.trusted_proxies = {AddressRange::parse("192.0.2.0/24").value()};
       const Request named{.fields = {{"x-forwarded-user", "ann"}}};
       expect_not_stored(f, named, fresh("one"), named);
     }},
    {"RangesAreCutFromWhatIsStored",
     [](Flow& f) {
       keep(f, kHttp);
       f.expect_response(asked(f, {}, fresh("0123456789")), 200, "0123456789");
       const Stream part = stored(f, {.fields = {{"range", "bytes=2-4"}}}, 206, "234");
       EXPECT_EQ(f.response(part).field("content-range"), "bytes 2-4/10");
       stored(f, {.fields = {{"range", "bytes=-3"}}}, 206, "789");
       const Stream none = stored(f, {.fields = {{"range", "bytes=10-"}}}, 416, "");
       EXPECT_EQ(f.response(none).field("content-range"), "bytes */10");
       stored(f, {.fields = {{"range", "bytes=0-1,3-4"}}}, 200, "0123456789");
     }},
    {"ConditionsAreJudgedByWhatIsStored",
     [](Flow& f) {
       keep(f, kHttp);
       constexpr auto kFields =
           "Cache-Control: max-age=60\r\nETag: \"v1\"\r\nLast-Modified: Sat, 01 Jan 2000 00:00:00 GMT\r\n";
       f.expect_response(asked(f, {}, fresh("one", kFields)), 200, "one");
       const Stream same = stored(f, {.fields = {{"if-none-match", "\"x\", W/\"v1\""}}}, 304, "");
       EXPECT_EQ(f.response(same).field("etag"), "\"v1\"");
       stored(f, {.fields = {{"if-none-match", "\"v2\""}}}, 200, "one");
       stored(f, {.fields = {{"if-modified-since", "Sat, 01 Jan 2000 00:00:00 GMT"}}}, 304, "");
       stored(f, {.fields = {{"if-modified-since", "Fri, 31 Dec 1999 00:00:00 GMT"}}}, 200, "one");
     }},
    {"CookiesOfOursAreAddedAfterTheStore",
     [](Flow& f) {
       keep(f, kHttp);
       f.options.upstream.sticky_cookie = "node";
       f.options.upstream.affinity_key = std::string(32, 'k');
       const Stream first = asked(f, {}, fresh("one"));
       EXPECT_NE(f.response(first).field("set-cookie"), "");
       f.expect_response(first, 200, "one");
       const Stream s = stored(f, {}, 200, "one");
       EXPECT_EQ(f.response(s).field("set-cookie"), "");
     }},
    {"ALargeBodyLeavesTheCacheAsTheClientTakesIt",
     [](Flow& f) {
       keep(f, kHttp);
       const std::string body = pattern(300'000);
       f.expect_response(asked(f, {}, fresh(body)), 200, body);
       stored(f, {}, 200, body);
     }},
    {"WhatIsLargerThanAnEntryMayBeIsPassedOn",
     [](Flow& f) {
       keep(f, kHttp);
       const std::string body = pattern(CacheLimits{}.max_entry + 1);
       f.expect_response(asked(f, {}, fresh(body)), 200, body);
       f.expect_response(asked(f, {}, fresh("two")), 200, "two");
     }},
    {"ABrokenAnswerIsNotKept",
     [](Flow& f) {
       keep(f, kHttp);
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nCache-Control: max-age=60\r\n\r\nhalf");
       f.until([&] { return f.response(s).status == 200; });
       app.close();
       f.until([&] { return f.over(s); });
       f.record("/");
       f.expect_response(asked(f, {}, fresh("two")), 200, "two");
     }},
};

}  // namespace
}  // namespace gatehouse::flow
