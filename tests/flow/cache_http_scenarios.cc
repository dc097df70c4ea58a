// The cache by the rules of HTTP: the cases of the public http-cache test suite that are about a shared cache, and what
// RFC 5861 adds; then single flight.
#include "tests/flow/cache_play.h"

namespace gatehouse::flow {
namespace {

constexpr auto kHttp = Caching::kHttp;
constexpr auto kNotModified =
    "HTTP/1.1 304 Not Modified\r\nConnection: close\r\nCache-Control: max-age=60\r\nX-New: 1\r\n\r\n";
constexpr auto kFailing = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbad";

Request with(const std::string& name, const std::string& value) {
  return {.fields = {{name, value}}};
}

const Table kTable = {
    {"VaryChoosesAmongTheAnswersOfAUrl",
     [](Flow& f) {
       keep(f, kHttp);
       constexpr auto kFields = "Cache-Control: max-age=60\r\nVary: Foo\r\n";
       f.expect_response(asked(f, with("foo", "1"), fresh("one", kFields)), 200, "one");
       f.expect_response(asked(f, with("foo", "2"), fresh("two", kFields)), 200, "two");
       const Stream miss = asked(f, {}, fresh("none", kFields));
       EXPECT_EQ(f.response(miss).field("cache-status"), "gatehouse; fwd=vary-miss; stored");
       f.expect_response(miss, 200, "none");
       stored(f, with("foo", "1"), 200, "one");
       stored(f, with("foo", "2"), 200, "two");
       stored(f, {}, 200, "none");
     }},
    {"AnErrorIsKeptWhereItSaysForHowLong",
     [](Flow& f) {
       keep(f, kHttp);
       constexpr auto kBusy =
           "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\nConnection: close\r\n"
           "Cache-Control: max-age=5\r\n\r\nbad";
       f.expect_response(asked(f, {}, kBusy), 503, "bad");
       stored(f, {}, 503, "bad");
       f.pass(6s);
       f.expect_response(asked(f, {}, fresh("one")), 200, "one");
     }},
    {"AnErrorOfOneClientIsNotKept",
     [](Flow& f) {
       keep(f, kHttp);
       constexpr auto kUnknown =
           "HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\nConnection: close\r\nWWW-Authenticate: Basic\r\n"
           "Cache-Control: public, max-age=60\r\n\r\nwho";
       f.expect_response(asked(f, {}, kUnknown), 401, "who");
       f.expect_response(asked(f, with("authorization", "Basic eA=="), fresh("one")), 200, "one");
     }},
    {"VaryByEverythingIsNotKept",
     [](Flow& f) {
       keep(f, kHttp);
       f.expect_response(asked(f, {}, fresh("one", "Cache-Control: max-age=60\r\nVary: *\r\n")), 200, "one");
       f.expect_response(asked(f, {}, fresh("two")), 200, "two");
     }},
    {"WhatIsStaleIsAskedForByItsValidator",
     [](Flow& f) {
       keep(f, kHttp);
       f.expect_response(asked(f, {}, fresh("one", "Cache-Control: max-age=1\r\nETag: \"v\"\r\n")), 200, "one");
       f.pass(2s);
       const Stream s = f.get();
       App& app = f.accept_request();
       EXPECT_EQ(app.field("If-None-Match"), "\"v\"");
       f.respond(app, kNotModified, s);
       EXPECT_EQ(f.response(s).field("cache-status"), "gatehouse; fwd=stale; fwd-status=304; ttl=59");
       EXPECT_EQ(f.response(s).field("x-new"), "1");
       f.expect_response(s, 200, "one");
       f.pass(2s);
       stored(f, {}, 200, "one");
     }},
    {"ARevalidationAnswersTheClientsOwnCondition",
     [](Flow& f) {
       keep(f, kHttp);
       f.expect_response(asked(f, {}, fresh("one", "Cache-Control: max-age=1\r\nETag: \"v\"\r\n")), 200, "one");
       f.pass(2s);
       const Stream s = f.begin(with("if-none-match", "\"v\""));
       f.respond(f.accept_request(), kNotModified, s);
       f.expect_response(s, 304, "");
     }},
    {"WhatHasChangedTakesThePlaceOfWhatWasStored",
     [](Flow& f) {
       keep(f, kHttp);
       f.expect_response(asked(f, {}, fresh("one", "Cache-Control: max-age=1\r\nETag: \"v\"\r\n")), 200, "one");
       f.pass(2s);
       f.expect_response(asked(f, {}, fresh("two")), 200, "two");
       stored(f, {}, 200, "two");
     }},
    {"NoCacheIsAskedForEachTime",
     [](Flow& f) {
       keep(f, kHttp);
       f.expect_response(asked(f, {}, fresh("one", "Cache-Control: no-cache\r\nETag: \"v\"\r\n")), 200, "one");
       const Stream s = f.get();
       App& app = f.accept_request();
       EXPECT_EQ(app.field("If-None-Match"), "\"v\"");
       f.respond(app, kNotModified, s);
       f.expect_response(s, 200, "one");
     }},
    {"UnsafeMethodsMakeVoidWhatIsStored",
     [](Flow& f) {
       keep(f, kHttp);
       f.expect_response(asked(f, {}, fresh("one")), 200, "one");
       const Stream s = f.post("x", BodyLength::known(1));
       f.respond(f.accept_request(), ok("done", "Connection: close\r\n"), s);
       f.expect_response(s, 200, "done");
       f.expect_response(asked(f, {}, fresh("two")), 200, "two");
     }},
    {"AnUnsafeMethodThatFailsLeavesWhatIsStored",
     [](Flow& f) {
       keep(f, kHttp);
       f.expect_response(asked(f, {}, fresh("one")), 200, "one");
       const Stream s = f.post("x", BodyLength::known(1));
       f.respond(f.accept_request(), kFailing, s);
       f.expect_response(s, 503, "bad");
       stored(f, {}, 200, "one");
     }},
    {"AuthorizedAnswersAreKeptOnlyWhereTheySaySo",
     [](Flow& f) {
       keep(f, kHttp);
       const Request authorized = with("authorization", "Basic eA==");
       f.expect_response(asked(f, authorized, fresh("one", "Cache-Control: max-age=60\r\n")), 200, "one");
       f.expect_response(asked(f, authorized, fresh("two", "Cache-Control: s-maxage=60\r\n")), 200, "two");
       stored(f, authorized, 200, "two");
     }},
    {"ClientsAreObeyedWhereTheRouteAllowsIt",
     [](Flow& f) {
       keep(f, kHttp, true);
       f.expect_response(asked(f, {}, fresh("one")), 200, "one");
       f.expect_response(asked(f, with("cache-control", "no-cache"), fresh("two")), 200, "two");
       f.expect_response(asked(f, with("pragma", "no-cache"), fresh("three")), 200, "three");
       f.expect_response(asked(f, with("cache-control", "max-age=0"), fresh("four")), 200, "four");
       stored(f, with("cache-control", "only-if-cached"), 200, "four");
       const Stream s = f.begin({.target = "/other", .fields = {{"cache-control", "only-if-cached"}}});
       f.expect_response(s, 504, "");
     }},
    {"ClientsAreNotObeyedElsewhere",
     [](Flow& f) {
       keep(f, kHttp);
       f.expect_response(asked(f, {}, fresh("one")), 200, "one");
       stored(f, with("cache-control", "no-cache"), 200, "one");
     }},
    {"AStaleAnswerStandsInForAnError",
     [](Flow& f) {
       keep(f, kHttp);
       f.expect_response(asked(f, {}, fresh("one", "Cache-Control: max-age=1, stale-if-error=60\r\n")), 200, "one");
       f.pass(2s);
       const Stream s = asked(f, {}, kFailing);
       EXPECT_TRUE(f.response(s).field("cache-status").contains("detail=stale-if-error"));
       f.expect_response(s, 200, "one");
     }},
    {"AStaleAnswerStandsInForNoAnswer",
     [](Flow& f) {
       keep(f, kHttp);
       f.expect_response(asked(f, {}, fresh("one", "Cache-Control: max-age=1, stale-if-error=60\r\n")), 200, "one");
       f.pass(2s);
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say("nonsense\r\n\r\n");
       f.expect_response(s, 200, "one");
     }},
    {"WhatMustBeRevalidatedNeverStandsIn",
     [](Flow& f) {
       keep(f, kHttp);
       constexpr auto kFields = "Cache-Control: max-age=1, must-revalidate, stale-if-error=60\r\nETag: \"v\"\r\n";
       f.expect_response(asked(f, {}, fresh("one", kFields)), 200, "one");
       f.pass(2s);
       f.expect_response(asked(f, {}, kFailing), 503, "bad");
     }},
    {"WhileOneAsksForAFreshAnswerTheOthersHaveTheStaleOne",
     [](Flow& f) {
       keep(f, kHttp);
       f.expect_response(asked(f, {}, fresh("one", "Cache-Control: max-age=1, stale-while-revalidate=60\r\n")), 200,
                         "one");
       f.pass(2s);
       const Stream leader = f.get();
       App& app = f.accept_request();
       const Stream other = stored(f, {}, 200, "one");
       EXPECT_TRUE(f.response(other).field("cache-status").contains("stale-while-revalidate"));
       f.respond(app, fresh("two"), leader);
       f.expect_response(leader, 200, "two");
       stored(f, {}, 200, "two");
     }},
    {"OneOfManyAsksAndAllGetWhatItBrings",
     [](Flow& f) {
       keep(f, kHttp);
       const Stream leader = f.get();
       App& app = f.accept_request();
       std::vector<Stream> others;
       for (int i = 0; i < 20; ++i) others.push_back(f.get());
       EXPECT_TRUE(f.nobody_connects());
       f.respond(app, fresh("one"), leader);
       f.expect_response(leader, 200, "one");
       for (const Stream other : others) {
         f.expect_response(other, 200, "one");
         EXPECT_TRUE(f.response(other).field("cache-status").ends_with("collapsed"));
       }
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"WhereNothingIsStoredAllGoOnAtOnceAndTheNextDoNotWait",
     [](Flow& f) {
       keep(f, kHttp);
       const Stream leader = f.get();
       App& app = f.accept_request();
       const Stream other = f.get();
       EXPECT_TRUE(f.nobody_connects());
       app.say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nCache-Control: private\r\nConnection: close\r\n\r\n");
       App& second = f.accept_request();
       f.respond(second, fresh("two", ""), other);
       f.expect_response(other, 200, "two");
       const Stream next = f.get();
       App& third = f.accept_request();
       f.respond(third, fresh("six", ""), next);
       f.expect_response(next, 200, "six");
       f.respond(app, "one", leader);
       f.expect_response(leader, 200, "one");
     }},
    {"ALeaderThatGoesHandsOn",
     [](Flow& f) {
       keep(f, kHttp);
       const Stream leader = f.get("/x");
       App& app = f.accept_request();
       const Stream other = f.get("/x");
       EXPECT_TRUE(f.nobody_connects());
       f.client().reset(leader);
       f.await_cut(app);
       f.respond(f.accept_request(), fresh("two"), other);
       f.expect_gone("/x", 499);
       f.expect_response(other, 200, "two");
     }},
};

}  // namespace
}  // namespace gatehouse::flow
