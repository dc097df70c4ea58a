// What the proxy decides by itself: routes, headers, timeouts, queues, endpoints, drain. The same for every protocol.
#include <unistd.h>

#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

void one_permit(Flow& f) {
  f.options.upstream.max_requests = 1;
  f.options.upstream.queue = 1;
  f.options.upstream.queue_timeout = 2s;
}

const Table kTable = {
    {"RefusedConnectionIs502",
     [](Flow& f) {
       f.options.listening = false;
       const Stream s = f.get();
       f.expect_fault(s, Fault::kConnectRefused);
       f.listen_again();
     }},
    {"AnotherUserInPlaceOfTheAppGetsNothingAndTheClient502",
     [](Flow& f) {
       f.options.unix_socket = true;
       f.options.listening_user = ::geteuid() + 1;
       const Stream s = f.post("secret", BodyLength::known(6));
       f.expect_fault(s, Fault::kForeignListener);
       App& stranger = f.accept();
       EXPECT_TRUE(f.await_cut(stranger));
       EXPECT_EQ(stranger.received(), 0U);
       f.expect_pool(0);
       f.finish(Flow::Probe::kNo);  // it would fare no better
     }},
    {"RefusedConnectionIsTriedAtTheNextEndpointForAnyMethod",
     [](Flow& f) {
       f.options.refused_first = true;
       const Stream s = f.post("body", BodyLength::known(4));
       App& app = f.accept();
       f.await_request(app);
       EXPECT_EQ(app.body(), "body");
       f.respond(app, ok("here"), s);
       EXPECT_EQ(f.response(s).body, "here");
       const Record noted = f.record("/");
       EXPECT_EQ(noted.attempts, 2U);
       EXPECT_EQ(noted.fault, std::nullopt);
       EXPECT_EQ(f.retries(RetryReason::kConnect), 1U);
     }},
    {"AnswerThatDoesNotComeIs504",
     [](Flow& f) {
       f.options.limits.response_timeout = 2s;
       const Stream s = f.get();
       App& app = f.accept_request();
       f.pass(1900ms);
       EXPECT_FALSE(f.over(s));
       f.pass(500ms);
       f.expect_fault(s, Fault::kUpstreamTimeout);
       EXPECT_TRUE(f.await_cut(app));
       f.expect_pool(0);
     }},
    {"AnswerThatStopsHalfWayIsNoCleanEnd",
     [](Flow& f) {
       f.options.limits.response_body_timeout = 2s;
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
       for (const std::string_view want : {"x", "xx"}) {
         f.pass(1500ms);
         app.say("x");
         f.until([&] { return f.response(s).body == want; });
       }
       EXPECT_FALSE(f.over(s));
       f.pass(2500ms);
       f.expect_fault(s, Fault::kUpstreamBodyTimeout, Stage::kAfterHead);
       EXPECT_TRUE(f.await_cut(app));
     }},
    {"RequestWaitsInLineForAPlaceAndGetsIt",
     [](Flow& f) {
       one_permit(f);
       const Stream first = f.get("/1");
       App& app = f.accept_request();
       const Stream second = f.get("/2");
       EXPECT_TRUE(f.nobody_connects());
       f.respond(app, ok("one"), first);
       f.expect_response(first, 200, "one");
       f.await_head(app);
       EXPECT_EQ(app.line(), "GET /2 HTTP/1.1");
       f.respond(app, ok("two"), second);
       f.expect_response(second, 200, "two");
       f.expect_pool(1);
     }},
    {"FullLineIs503",
     [](Flow& f) {
       one_permit(f);
       const Stream first = f.get("/1");
       App& app = f.accept_request();
       const Stream second = f.get("/2");
       f.settle();
       const Stream third = f.get("/3");
       f.expect_fault(third, Fault::kQueueFull);
       f.respond(app, ok("one"), first);
       f.expect_response(first, 200, "one");
       f.await_head(app);
       f.respond(app, ok("two"), second);
       f.expect_response(second, 200, "two");
     }},
    {"TooLongInLineIs503",
     [](Flow& f) {
       one_permit(f);
       const Stream first = f.get("/1");
       App& app = f.accept_request();
       const Stream second = f.get("/2");
       f.pass(2500ms);
       f.expect_fault(second, Fault::kQueueTimeout);
       f.respond(app, ok("one"), first);
       f.expect_response(first, 200, "one");
     }},
    {"ClientThatGoesWhileInLineLeavesIt",
     [](Flow& f) {
       one_permit(f);
       const Stream first = f.get("/1");
       App& app = f.accept_request();
       const Stream second = f.get("/2");
       f.settle();
       f.client().reset(second);
       f.expect_gone("/2", 499);
       const Stream third = f.get("/3");
       f.settle();
       f.respond(app, ok("one"), first);
       f.expect_response(first, 200, "one");
       f.await_head(app);
       EXPECT_EQ(app.line(), "GET /3 HTTP/1.1");
       f.respond(app, ok("three"), third);
       f.expect_response(third, 200, "three");
     }},
    {"WhatClientsSayAboutThemselvesIsReplaced",
     [](Flow& f) {
       const Stream s = f.get("/", {{"x-forwarded-for", "6.6.6.6"},
                                    {"x-forwarded-proto", "http"},
                                    {"x-forwarded-host", "evil.test"},
                                    {"x-real-ip", "6.6.6.6"},
                                    {"forwarded", "for=6.6.6.6"},
                                    {"proxy", "evil.test"},
                                    {"x-kept", "yes"}});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("X-Forwarded-For"), Front::kClientAddress);
       EXPECT_EQ(app.field("X-Forwarded-Proto"), "https");
       EXPECT_EQ(app.field("X-Forwarded-Host"), "shop.test");
       EXPECT_EQ(app.head().find("6.6.6.6"), std::string::npos);
       EXPECT_FALSE(app.has("Proxy"));
       EXPECT_EQ(app.field("X-Kept"), "yes");
       EXPECT_EQ(app.field("X-Request-Id").size(), 32U);
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
     }},
    {"WhatATrustedProxySaysIsExtended",
     [](Flow& f) {
       f.options.policy.trusted_proxies = {AddressRange::parse("192.0.2.0/24").value()};
       const Stream s = f.get("/", {{"x-forwarded-for", "198.51.100.1"}, {"x-forwarded-proto", "http"}});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("X-Forwarded-For"), "198.51.100.1, " + std::string(Front::kClientAddress));
       EXPECT_EQ(app.field("X-Forwarded-Proto"), "http");
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
     }},
    {"HopByHopFieldsOfTheClientEndHere",
     [](Flow& f) {
       const Stream s = f.get("/", {{"connection", "x-mine"},
                                    {"x-mine", "1"},
                                    {"keep-alive", "timeout=5"},
                                    {"proxy-connection", "keep-alive"},
                                    {"x-kept", "2"}});
       App& app = f.accept_request();
       EXPECT_FALSE(app.has("X-Mine"));
       EXPECT_FALSE(app.has("Keep-Alive"));
       EXPECT_FALSE(app.has("Proxy-Connection"));
       EXPECT_EQ(app.field("X-Kept"), "2");
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
     },
     kOnlyH1},
    {"HopByHopFieldsOfTheAppEndHere",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       f.respond(app,
                 ok("x",
                    "Connection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=50\r\nUpgrade: h2c\r\n"
                    "Proxy-Authenticate: Basic\r\nX-Kept: 2\r\n"),
                 s);
       for (const char* name : {"x-mine", "keep-alive", "upgrade", "proxy-authenticate"}) {
         EXPECT_EQ(f.response(s).field(name), "") << name;
       }
       EXPECT_EQ(f.response(s).field("x-kept"), "2");
       f.expect_response(s, 200, "x");
     }},
    {"ProxyStatusOfTheAppIsAppendedTo",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       f.respond(app, "HTTP/1.1 504 x\r\nContent-Length: 0\r\nProxy-Status: inner; error=dns_timeout\r\n\r\n", s);
       EXPECT_EQ(f.response(s).field("proxy-status"), "inner; error=dns_timeout, gatehouse; received-status=504");
       f.expect_response(s, 504, "");
     }},
    {"DateIsAddedWhereTheAppHasNone",
     [](Flow& f) {
       const Stream first = f.get("/1");
       App& app = f.accept_request();
       f.respond(app, ok("x"), first);
       EXPECT_EQ(f.response(first).field("date").size(), std::string_view("Thu, 01 Jan 1970 00:00:00 GMT").size());
       f.expect_response(first, 200, "x");
       const Stream second = f.get("/2");
       f.await_head(app);
       f.respond(app, ok("x", "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), second);
       EXPECT_EQ(f.response(second).field("date"), "Sun, 06 Nov 1994 08:49:37 GMT");
       f.expect_response(second, 200, "x");
     }},
    {"AltSvcIsOursAndOnlyWhereItIsNews",
     [](Flow& f) {
       f.options.policy.alt_svc = "h3=\":443\"; ma=86400";
       const Stream s = f.get();
       App& app = f.accept_request();
       f.respond(app, ok("x", "Alt-Svc: h3=\"evil.test:1\"\r\n"), s);
       EXPECT_EQ(f.response(s).field("alt-svc"), says_alt_svc(f.protocol()) ? f.options.policy.alt_svc : "");
       f.expect_response(s, 200, "x");
     }},
    {"CookiesReachTheAppAsOneFieldAndClientsAsMany",
     [](Flow& f) {
       const Fields crumbs = {{"cookie", "a=1"}, {"cookie", "b=2"}};
       const Stream s = f.get("/", multiplexes(f.protocol()) ? crumbs : Fields{{"cookie", "a=1; b=2"}});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("Cookie"), "a=1; b=2");
       f.respond(app, ok("x", "Set-Cookie: c=3\r\nSet-Cookie: d=4\r\n"), s);
       EXPECT_EQ(f.response(s).field("set-cookie"), "c=3, d=4");
       f.expect_response(s, 200, "x");
     }},
    {"NoRouteIs404",
     [](Flow& f) {
       f.options.route.hosts = {"elsewhere.test"};
       const Stream s = f.get("/x");
       f.expect_fault(s, Fault::kNoRoute);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"RedirectRouteAnswersByItself",
     [](Flow& f) {
       f.options.others = {{.name = "old", .path = "/old", .action = RedirectTo{.target = "https://new.test{uri}"}}};
       const Stream s = f.get("/old/page?a=1");
       f.expect_response(s, 308, "");
       EXPECT_EQ(f.response(s).field("location"), "https://new.test/old/page?a=1");
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"RespondRouteAnswersByItself",
     [](Flow& f) {
       f.options.others = {{.name = "hi", .path = "/hi", .action = RespondWith{.status = 418, .body = "teapot"}}};
       const Stream s = f.get("/hi");
       f.expect_response(s, 418, "teapot");
       EXPECT_EQ(f.response(s).field("content-length"), "6");
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"StrippedPrefixIsToldToTheApp",
     [](Flow& f) {
       f.options.route.path = "/api";
       f.options.route.strip_prefix = true;
       const Stream s = f.get("/api/v1?q=1");
       App& app = f.accept_request();
       EXPECT_EQ(app.line(), "GET /v1?q=1 HTTP/1.1");
       EXPECT_EQ(app.field("X-Forwarded-Prefix"), "/api");
       f.respond(app, ok("x"), s);
       f.expect_response(s, 200, "x");
     }},
    {"TraceIsNotForUs",
     [](Flow& f) {
       const Stream s = f.begin({.method = "TRACE", .target = "/x"});
       f.expect_fault(s, Fault::kMethodNotAllowed);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"DrainLetsTheRequestFinishAndTakesNoMore",
     [](Flow& f) {
       const Stream s = f.get("/x");
       App& app = f.accept_request();
       f.drain();
       f.pass(100ms);
       EXPECT_FALSE(f.over(s));
       app.say("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nlast ");
       f.until([&] { return f.response(s).body == "last "; });
       EXPECT_TRUE(f.client().connected(s));
       app.say("one");
       f.expect_response(s, 200, "last one");
       EXPECT_FALSE(f.client().usable(s));
       f.until([&] { return f.front().connections() == 0; });
       f.settle();
       EXPECT_FALSE(f.client().connected(s));
       f.finish(Flow::Probe::kNo);
     }},
    {"DrainClosesWhatIsIdle",
     [](Flow& f) {
       const Stream s = f.get("/x");
       App& app = f.accept_request();
       f.respond(app, ok("x"), s);
       f.expect_response(s, 200, "x");
       EXPECT_TRUE(f.client().usable(s));
       f.drain();
       f.until([&] { return f.front().connections() == 0; });
       f.settle();
       EXPECT_FALSE(f.client().usable(s));
       f.finish(Flow::Probe::kNo);
     }},
    {"DeadlineOfADrainBreaksOffWhatStillRuns",
     [](Flow& f) {
       const Stream s = f.get("/x");
       App& app = f.accept_request();
       app.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
       f.until([&] { return f.response(s).body == "half"; });
       f.drain();
       f.settle();
       f.front().close_now();
       f.until([&] { return f.over(s); });
       EXPECT_EQ(f.response(s).end, End::kBroken);
       EXPECT_TRUE(f.await_cut(app));
       EXPECT_EQ(f.record("/x").status, 200);
       f.finish(Flow::Probe::kNo);
     }},
    {"LastRequestThatAConnectionMayCarrySaysSo",
     [](Flow& f) {
       f.options.policy.connection.max_requests = 2;
       const Stream first = f.get("/1");
       App& app = f.accept_request();
       f.respond(app, ok("one"), first);
       f.expect_response(first, 200, "one");
       EXPECT_TRUE(f.client().usable(first));
       const Stream second = f.get("/2");
       f.await_head(app);
       f.respond(app, ok("two"), second);
       f.expect_response(second, 200, "two");
       EXPECT_FALSE(f.client().usable(second));
     }},
};

}  // namespace
}  // namespace gatehouse::flow
