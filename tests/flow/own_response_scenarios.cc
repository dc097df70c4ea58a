// What Gatehouse says in answers by itself, its own and those of apps: the request's id, and faults in the form that the
// client prefers. The same for every protocol.
#include <nlohmann/json.hpp>

#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

std::string respond_with_id(Flow& f, std::string_view id) {
  const Stream s = f.get();
  App& app = f.accept_request();
  const std::string asked = app.field("X-Request-Id");
  EXPECT_EQ(asked.size(), 32U);
  f.respond(app, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + std::string(id) + "\r\n", s);
  f.expect_response(s, 200, "");
  const std::string answered = f.response(s).field("x-request-id");
  return answered == asked ? "the request's" : answered;
}

const Table kTable = {
    {"AnAnswerHasTheIdOfItsRequest", [](Flow& f) { EXPECT_EQ(respond_with_id(f, ""), "the request's"); }},
    {"AnAnswerHasTheIdOfItsRequestAndNotTheAppsOwn",
     [](Flow& f) { EXPECT_EQ(respond_with_id(f, "X-Request-Id: app-1\r\nx-request-id: app-2\r\n"), "the request's"); }},
    {"AnAnswerHasNoIdWhereItsRouteRemovesIt",
     [](Flow& f) {
       f.options.route.response_headers.remove = {"x-request-id"};
       EXPECT_EQ(respond_with_id(f, "X-Request-Id: app-1\r\n"), "");
     }},
    {"AnAnswerHasTheIdThatItsRouteSets",
     [](Flow& f) {
       f.options.route.response_headers.set = {{"X-Request-Id", "the route's"}};
       EXPECT_EQ(respond_with_id(f, "X-Request-Id: app-1\r\n"), "the route's");
     }},
    {"AnAnswerHasTheClientsOwnIdAndHintsHaveNone",
     [](Flow& f) {
       const Stream s = f.get("/", {{"x-request-id", "mine-1"}});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("X-Request-Id"), "mine-1");
       app.say("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n");
       f.respond(app, ok("x"), s);
       f.expect_response(s, 200, "x");
       EXPECT_EQ(f.response(s).interim, std::vector<int>{103});
       EXPECT_EQ(f.response(s).field("x-request-id"), "mine-1");
     }},
    {"AnswersOfOurOwnHaveTheIdOfTheirRequest",
     [](Flow& f) {
       f.options.others = {{.name = "hi", .path = "/hi", .action = RespondWith{.status = 200, .body = "hi"}},
                           {.name = "away", .path = "/away", .action = RedirectTo{"https://a.test/", 308}}};
       f.options.listening = false;
       const Stream fixed = f.get("/hi", {{"x-request-id", "mine-1"}});
       f.expect_response(fixed, 200, "hi");
       EXPECT_EQ(f.response(fixed).field("x-request-id"), "mine-1");
       const Stream redirect = f.get("/away", {{"x-request-id", "mine-2"}});
       f.expect_response(redirect, 308, "");
       EXPECT_EQ(f.response(redirect).field("x-request-id"), "mine-2");
       const Stream fault = f.get("/", {{"x-request-id", "mine-3"}});
       f.expect_fault(fault, Fault::kConnectRefused);
       EXPECT_EQ(f.response(fault).field("x-request-id"), "mine-3");
       f.listen_again();
     }},
    {"AFaultIsToldAsAProblemToWhoPrefersJson",
     [](Flow& f) {
       f.options.listening = false;
       const Stream s =
           f.get("/", {{"accept", "text/html;q=0.5"}, {"accept", "application/json"}, {"x-request-id", "mine-1"}});
       f.expect_fault(s, Fault::kConnectRefused);
       EXPECT_EQ(f.response(s).field("content-type"), "application/problem+json");
       const nlohmann::json problem = nlohmann::json::parse(f.response(s).body, nullptr, false);
       EXPECT_EQ(problem, nlohmann::json({{"type", "about:blank"},
                                          {"title", "Bad Gateway"},
                                          {"status", 502},
                                          {"detail", rule(Fault::kConnectRefused).explanation},
                                          {"instance", "mine-1"},
                                          {"fault", "connect_refused"}}))
           << f.response(s).body;
       f.listen_again();
     }},
    {"AFaultIsToldToHeadByTheSameHead",
     [](Flow& f) {
       f.options.listening = false;
       const Fields asked = {{"accept", "application/problem+json"}, {"x-request-id", "mine-1"}};
       const Stream get = f.get("/", asked);
       f.expect_fault(get, Fault::kConnectRefused);
       const Stream head = f.begin({.method = "HEAD", .fields = asked});
       EXPECT_TRUE(f.until([&] { return f.over(head); }));
       EXPECT_EQ(f.response(head).body, "");
       EXPECT_EQ(f.response(head).status, 502);
       for (const char* name : {"content-type", "content-length", "proxy-status", "x-request-id", "cache-control"}) {
         EXPECT_EQ(f.response(head).field(name), f.response(get).field(name)) << name;
       }
       EXPECT_EQ(f.record("/").fault, Fault::kConnectRefused);
       f.listen_again();
     }},
};

}  // namespace
}  // namespace gatehouse::flow
