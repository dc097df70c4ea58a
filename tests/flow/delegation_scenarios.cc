// X-Delegate-To: an app that hands its request to another upstream, and what becomes of its head, its way and its place in
// the log.
#include <format>

#include "tests/flow/delegating.h"
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

// An answer that asks for what it may not: the client gets 502, and nobody else the request.
void expect_refused(Flow& f, std::string_view response, Fault fault) {
  may_delegate(f);
  const Stream s = f.get();
  App& app = f.accept_request();
  app.say(response);
  f.expect_fault(s, fault);
  EXPECT_EQ(f.response(s).status, 502);
  EXPECT_EQ(f.response(s).field("x-delegate-to"), "");
  EXPECT_TRUE(f.nobody_connects_to("orders"));
}

// Hands over along the names, each of which may.
App& along(Flow& f, App& first, const std::vector<std::string>& names) {
  App* app = &first;
  for (const std::string& name : names) app = &handed_over(f, *app, to(name), name);
  return *app;
}

const Table kTable = {
    {"DelegatedRequestIsRunAtTheOtherUpstream",
     [](Flow& f) {
       may_delegate(f);
       const Stream s = f.get("/a?b=c", {{"accept", "text/x"}, {"cookie", "a=b"}});
       App& router = f.accept_request();
       const std::string id = router.field("X-Request-Id");
       App& orders = handed_over(f, router, to("orders"));
       EXPECT_EQ(orders.head(), router.head());
       EXPECT_EQ(orders.line(), "GET /a?b=c HTTP/1.1");
       EXPECT_NE(id, "");
       orders.say(ok("done", "X-Delegate-Headers: X-A\r\n"));
       expect_way(f, s, "orders", "shop>orders handed_over");
       EXPECT_EQ(f.response(s).status, 200);
       EXPECT_EQ(f.response(s).body, "done");
       EXPECT_EQ(f.response(s).field("x-request-id"), id);
       EXPECT_EQ(f.response(s).field("x-delegate-to"), "");
       EXPECT_EQ(f.response(s).field("x-delegate-headers"), "");
       f.expect_pool(1);
       f.expect_pool_of("orders", 1);
     }},
    {"DelegatedRequestHasTheFieldsThatTheAppNames",
     [](Flow& f) {
       may_delegate(f);
       f.options.route.request_headers.set = {{"X-Route", "ours"}};
       const Stream s =
           f.get("/", {{"x-tenant", "evil"}, {"x_tenant", "evil"}, {"x-gone", "evil"}, {"x-kept", "kept"}});
       App& router = f.accept_request();
       App& orders = handed_over(
           f, router,
           to("orders",
              "X-Tenant: one\r\nX-Tenant: two\r\nX-Unnamed: no\r\nX-Forwarded-For: 10.0.0.1\r\nHost: evil\r\nVia: "
              "no\r\n"
              "X-Nominated: no\r\nConnection: X-Nominated\r\nX-Route: no\r\nX-Request-Id: no\r\nRemote-User: root\r\n"
              "Content-Type: no\r\nKeep-Alive: timeout=5\r\nUpgrade: no\r\n"
              "X-Delegate-Headers: X-Tenant, x-gone\r\n"
              "X-Delegate-Headers: X-Forwarded-For, Host, Via, X-Nominated, X-Route, X-Request-Id, Remote-User, "
              "X_Real_IP, "
              "Content-Type, Content-Length, Transfer-Encoding, Keep-Alive, Upgrade, Connection, ,bad name\r\n"));
       EXPECT_EQ(orders.field("X-Tenant"), "one, two");
       EXPECT_FALSE(orders.has("X_Tenant"));
       EXPECT_FALSE(orders.has("X-Gone"));
       EXPECT_EQ(orders.field("X-Kept"), "kept");
       for (const std::string_view same : {"X-Forwarded-For", "Host", "Via", "X-Route", "X-Request-Id", "Connection"}) {
         EXPECT_EQ(orders.field(same), router.field(same)) << same;
       }
       for (const std::string_view never : {"X-Unnamed", "X-Nominated", "Remote-User", "Content-Type", "Content-Length",
                                            "Transfer-Encoding", "Keep-Alive", "Upgrade", "X-Delegate-To"}) {
         EXPECT_FALSE(orders.has(never)) << never;
       }
       f.respond(orders, ok("done"), s);
       f.expect_response(s, 200, "done");
     }},
    {"DelegatingAnswerWhoseBodyIsThereKeepsItsConnection",
     [](Flow& f) {
       may_delegate(f);
       const Stream s = f.get();
       App& router = f.accept_request();
       App& orders = handed_over(f, router, to("orders", "", "see orders"));
       f.expect_pool(1);
       f.respond(orders, ok("done"), s);
       f.expect_response(s, 200, "done");
     }},
    {"DelegatingAnswerWhoseBodyIsStillToComeLosesItsConnection",
     [](Flow& f) {
       may_delegate(f);
       const Stream s = f.get();
       App& router = f.accept_request();
       App& orders =
           handed_over(f, router, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX-Delegate-To: orders\r\n\r\nbegun");
       EXPECT_TRUE(f.await_cut(router));
       f.expect_pool(0);
       f.respond(orders, ok("done"), s);
       f.expect_response(s, 200, "done");
     }},
    {"DelegationToNobodyWhomTheUpstreamListsIsAFault",
     [](Flow& f) { expect_refused(f, to("reports"), Fault::kDelegationRefused); }},
    {"DelegationToSeveralIsAFault",
     [](Flow& f) { expect_refused(f, to("orders, orders"), Fault::kDelegationRefused); }},
    {"DelegationToNoNameIsAFault", [](Flow& f) { expect_refused(f, to(""), Fault::kDelegationRefused); }},
    {"DelegationThatLeadsBackIsAFault",
     [](Flow& f) {
       f.options.delegate_to = {{"shop", {"orders"}}, {"orders", {"shop"}}};
       const Stream s = f.get();
       App& orders = along(f, f.accept_request(), {"orders"});
       orders.say(to("shop"));
       f.expect_fault(s, Fault::kDelegationLoop);
       EXPECT_EQ(f.response(s).status, 502);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"DelegationGoesThreeHops",
     [](Flow& f) {
       f.options.delegate_to = {{"shop", {"a"}}, {"a", {"b"}}, {"b", {"c"}}};
       const Stream s = f.get();
       App& last = along(f, f.accept_request(), {"a", "b", "c"});
       last.say(ok("done"));
       expect_way(f, s, "c", "shop>a handed_over, a>b handed_over, b>c handed_over");
       EXPECT_EQ(f.response(s).body, "done");
     }},
    {"DelegationOfAFourthHopIsAFault",
     [](Flow& f) {
       f.options.delegate_to = {{"shop", {"a"}}, {"a", {"b"}}, {"b", {"c"}}, {"c", {"d"}}};
       const Stream s = f.get();
       App& last = along(f, f.accept_request(), {"a", "b", "c"});
       last.say(to("d"));
       f.expect_fault(s, Fault::kDelegationLoop);
       EXPECT_TRUE(f.nobody_connects_to("d"));
     }},
    {"DelegationOfWhoMayNotIsIgnoredAndNotPassedOn",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       f.respond(app, to("orders", "X-Delegate-Headers: X-A\r\n", "mine"), s);
       EXPECT_EQ(f.response(s).field("x-delegate-to"), "");
       EXPECT_EQ(f.response(s).field("x-delegate-headers"), "");
       f.expect_response(s, 200, "mine");
       f.expect_pool(1);
     }},
    {"DelegationOfATargetThatMayNotIsIgnoredAndNotPassedOn",
     [](Flow& f) {
       may_delegate(f);
       const Stream s = f.get();
       App& orders = along(f, f.accept_request(), {"orders"});
       f.respond(orders, to("shop", "", "mine"), s);
       EXPECT_EQ(f.response(s).field("x-delegate-to"), "");
       f.expect_response(s, 200, "mine");
     }},
    {"DelegationIsNotForClientsToSay",
     [](Flow& f) {
       may_delegate(f);
       const Stream s = f.get("/", {{"x-delegate-to", "orders"}, {"x-delegate-headers", "x-a"}});
       App& app = f.accept_request();
       EXPECT_FALSE(app.has("X-Delegate-To"));
       EXPECT_FALSE(app.has("X-Delegate-Headers"));
       f.respond(app, ok("mine"), s);
       f.expect_response(s, 200, "mine");
     }},
    {"DelegationInTrailersIsNotPassedOn",
     [](Flow& f) {
       may_delegate(f);
       const Stream s = f.get("/", {{"te", "trailers"}});
       App& app = f.accept_request();
       f.respond(app, std::format("{}{}0\r\nX-Delegate-To: orders\r\nX-Sum: 1\r\n\r\n", kChunkedOk, chunk("mine")), s);
       EXPECT_EQ(f.response(s).trailers, (Fields{{"x-sum", "1"}}));
       f.expect_response(s, 200, "mine");
     }},
    {"DelegatedRequestHasTheHintsOfWhoAnswersIt",
     [](Flow& f) {
       may_delegate(f);
       const Stream s = f.get();
       App& router = f.accept_request();
       App& orders = handed_over(f, router, "HTTP/1.1 103 Early Hints\r\nLink: </router.css>\r\n\r\n" + to("orders"));
       f.respond(orders, "HTTP/1.1 103 Early Hints\r\nLink: </orders.css>\r\n\r\n" + ok("done"), s);
       EXPECT_EQ(f.response(s).interim, std::vector<int>{103});
       f.expect_response(s, 200, "done");
     }},
    {"DelegatedRequestWaitsInTheLineOfItsTarget",
     [](Flow& f) {
       may_delegate(f);
       f.options.delegate.max_requests = 1;
       const Stream first = f.get("/first");
       App& router = f.accept_request();
       App& orders = along(f, router, {"orders"});
       router.forget();
       const Stream second = f.get("/second");
       f.await_head(router);
       router.say(to("orders"));
       f.settle();
       EXPECT_EQ(f.running(), 2);
       f.respond(orders, ok("one"), first);
       f.expect_response(first, 200, "one");
       f.await_head(orders);
       EXPECT_EQ(orders.line(), "GET /second HTTP/1.1");
       f.respond(orders, ok("two"), second);
       f.expect_response(second, 200, "two");
     }},
    {"DelegatedRequestThatFindsTheLineOfItsTargetFullIsRefused",
     [](Flow& f) {
       may_delegate(f);
       f.options.delegate.max_requests = 1;
       f.options.delegate.queue = 0;
       const Stream first = f.get("/first");
       App& router = f.accept_request();
       App& orders = along(f, router, {"orders"});
       router.forget();
       const Stream second = f.get("/second");
       f.await_head(router);
       router.say(to("orders"));
       f.expect_fault(second, Fault::kQueueFull);
       f.respond(orders, ok("one"), first);
       f.expect_response(first, 200, "one");
     }},
    {"DelegatedRequestIsTriedAgainAtItsTarget",
     [](Flow& f) {
       may_delegate(f);
       const Stream before = f.get("/before");
       App& router = f.accept_request();
       App& stale = along(f, router, {"orders"});
       f.respond(stale, ok("x"), before);
       f.expect_response(before, 200, "x");
       router.forget();
       const Stream s = f.get("/again");
       f.await_head(router);
       router.say(to("orders"));
       f.await_head(stale);
       stale.close();
       App& fresh = f.accept_request_at("orders");
       fresh.say(ok("done"));
       f.until([&] { return f.over(s); });
       EXPECT_EQ(f.response(s).body, "done");
       const Record record = f.record("/again");
       EXPECT_EQ(record.attempts, 3U);
       EXPECT_EQ(record.delegations, "shop>orders handed_over");
     }},
    {"DelegatedRequestOfAClientThatGoesAwayIsGivenUp",
     [](Flow& f) {
       may_delegate(f);
       const Stream s = f.get("/gone");
       App& orders = along(f, f.accept_request(), {"orders"});
       f.client().reset(s);
       EXPECT_TRUE(f.await_cut(orders));
       f.expect_gone("/gone", 499);
       f.expect_pool(1);
       f.expect_pool_of("orders", 0);
     }},
    {"DelegatedRequestGetsTheCookieOfItsTarget",
     [](Flow& f) {
       may_delegate(f);
       f.options.upstream.sticky_cookie = "at-shop";
       f.options.delegate.sticky_cookie = "at-orders";
       f.options.upstream.affinity_key = f.options.delegate.affinity_key = "key";
       const Stream s = f.get();
       App& orders = along(f, f.accept_request(), {"orders"});
       f.respond(orders, ok("done"), s);
       EXPECT_TRUE(f.response(s).field("set-cookie").starts_with("at-orders=")) << f.response(s).field("set-cookie");
       EXPECT_FALSE(f.response(s).field("set-cookie").contains("at-shop"));
       f.expect_response(s, 200, "done");
     }},
};

}  // namespace
}  // namespace gatehouse::flow
