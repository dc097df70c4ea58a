// What the proxy decides by itself: routes, headers, timeouts, queues, endpoints. The same for every protocol.
#include <unistd.h>

#include "proxy/http/alt_svc_state.h"
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
    {"UpstreamWhoseEndpointsAreAllUnhealthyIsTriedAllTheSame",
     [](Flow& f) {
       f.options.obstacle = Obstacle::kUnhealthy;
       const Stream s = f.get();
       f.respond(f.accept_request(), ok("well"), s);
       f.expect_response(s, 200, "well");
     }},
    {"UpstreamWhoseEndpointsAreAllUnhealthyRefusesWhereItIsSaid",
     [](Flow& f) {
       f.options.obstacle = Obstacle::kUnhealthy;
       f.options.upstream.when_all_unhealthy = WhenAllUnhealthy::kRefuse;
       const Stream s = f.post("body", BodyLength::known(4));
       f.expect_fault(s, Fault::kNoHealthyEndpoint);
       EXPECT_TRUE(f.nobody_connects());
       f.finish(Flow::Probe::kNo);  // it would be refused as well
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
    {"ProxyStatusOfAnAppWhoseAnswerBreaksIsKept",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nProxy-Status: inner\r\n\r\nhalf");
       f.until([&] { return f.response(s).status == 200; });
       app.close();
       f.expect_fault(s, Fault::kUpstreamTruncated, Stage::kAfterHead);
       EXPECT_EQ(f.response(s).field("proxy-status"), "inner, gatehouse; received-status=200");
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
    {"RouteOfHttp11SendsTheOthersBackToItAndSaysNothingOfThem",
     [](Flow& f) {
       f.options.policy.alt_svc = "h3=\":443\"; ma=86400";
       f.options.route.h1_only = true;
       const Stream s = f.get();
       if (multiplexes(f.protocol())) {
         f.expect_fault(s, Fault::kHttp11Required);
         EXPECT_EQ(f.response(s).code, f.is(Protocol::kH2) ? 0xdU : 0x110U);
         EXPECT_TRUE(f.nobody_connects());
         EXPECT_TRUE(f.client().usable(s));
       } else {
         App& app = f.accept_request();
         f.respond(app, ok("x"), s);
         EXPECT_EQ(f.response(s).field("alt-svc"), "");
         f.expect_response(s, 200, "x");
       }
     }},
    {"UploadToARouteOfHttp11IsNotWaitedFor",
     [](Flow& f) {
       f.options.route.h1_only = true;
       const Stream s = f.open_post(BodyLength::known(100'000));
       f.client().send(s, "the beginning");
       f.expect_fault(s, Fault::kHttp11Required);
       EXPECT_TRUE(f.nobody_connects());
     },
     kMultiplexed},
    {"FixedAnswerOfARouteOfHttp11IsForHttp11Too",
     [](Flow& f) {
       f.options.others.push_back(
           {.name = "fixed", .path = "/fixed", .action = RespondWith{.status = 410, .body = "gone"}, .h1_only = true});
       const Stream s = f.get("/fixed");
       if (multiplexes(f.protocol())) {
         f.expect_fault(s, Fault::kHttp11Required);
       } else {
         f.expect_response(s, 410, "gone");
       }
     }},
    {"AltSvcIsSaidOnceItIsProvenAndTakenBackWhenItFails",
     [](Flow& f) {
       f.options.policy.alt_svc = "h3=\":443\"; ma=86400";
       const auto state = std::make_shared<AltSvcState>();
       f.options.policy.alt_svc_state = state;
       App* app = nullptr;
       const auto said = [&] {
         const Stream s = f.get();
         if (app != nullptr) f.await_head(*app);
         if (app == nullptr) app = &f.accept_request();
         f.respond(*app, ok("x"), s);
         f.expect_response(s, 200, "x");
         return f.response(s).field("alt-svc");
       };
       const bool says = says_alt_svc(f.protocol());
       EXPECT_EQ(said(), "");
       state->set(AltSvcState::Standing::kAdvertised, "");
       EXPECT_EQ(said(), says ? f.options.policy.alt_svc : "");
       state->set(AltSvcState::Standing::kWithdrawn, "");
       EXPECT_EQ(said(), says ? "clear" : "");
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
    {"RedirectRouteTakesItsPrefixOff",
     [](Flow& f) {
       f.options.others = {
           {.name = "old", .path = "/old", .action = RedirectTo{.target = "/new{uri}"}, .strip_prefix = true}};
       const Stream s = f.get("/old/page?a=1");
       f.expect_response(s, 308, "");
       EXPECT_EQ(f.response(s).field("location"), "/new/page?a=1");
       const Stream whole = f.get("/old?b");
       f.expect_response(whole, 308, "");
       EXPECT_EQ(f.response(whole).field("location"), "/new/?b");
       const Stream escaped = f.get("/%6fld/page");
       f.expect_fault(escaped, Fault::kPrefixNotLiteral);
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
};

}  // namespace
}  // namespace gatehouse::flow
