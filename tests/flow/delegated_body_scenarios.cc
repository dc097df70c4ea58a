// X-Delegate-To and what comes behind a head: uploads that are held until the app has decided, tunnels, and calls of gRPC.
#include <format>

#include "common/crypto/digest.h"
#include "common/text.h"
#include "tests/flow/delegating.h"
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string switching(App& app) {
  const std::string key = app.field("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  return std::format(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {}\r\n",
      text::base64(digest::sha1(key)));
}

// A body that the app has not asked for.
App& holding(Flow& f, const Request& request, Stream& s) {
  may_delegate(f);
  s = f.begin(request);
  f.client().send(s, "body");
  f.client().finish(s);
  App& app = f.accept_request();
  EXPECT_EQ(app.field("Expect"), "100-continue");
  f.pass(1500ms);
  EXPECT_EQ(app.body(), "");
  return app;
}

Request upload(BodyLength length) {
  return {.method = "POST", .target = "/up", .body = length};
}

const Table kTable = {
    {"DelegatedUploadIsHeldUntilTheAppHasDecided",
     [](Flow& f) {
       Stream s{};
       App& router = holding(f, upload(BodyLength::known(4)), s);
       App& orders = handed_over(f, router, to("orders"));
       f.await_request(orders);
       EXPECT_EQ(orders.body(), "body");
       EXPECT_FALSE(orders.has("Expect"));
       EXPECT_TRUE(f.await_cut(router));
       EXPECT_EQ(router.body(), "");
       orders.say(ok("done"));
       expect_way(f, s, "orders", "shop>orders handed_over");
       EXPECT_EQ(f.response(s).body, "done");
       f.expect_pool(0);
       f.expect_pool_of("orders", 1);
     }},
    {"DelegatedUploadThatIsLargerThanWhatIsHeldArrivesWhole",
     [](Flow& f) {
       may_delegate(f);
       const std::string body = pattern(300'000);
       const Stream s = f.open_post(BodyLength::unknown());
       f.client().send(s, body);
       f.client().finish(s);
       App& router = f.accept_request();
       f.settle();
       App& orders = handed_over(f, router, to("orders"));
       f.await_request(orders);
       EXPECT_TRUE(orders.body() == body);
       f.respond(orders, ok("done"), s);
       f.expect_response(s, 200, "done");
     }},
    {"HeldUploadGoesToTheAppThatAsksForIt",
     [](Flow& f) {
       Stream s{};
       App& router = holding(f, upload(BodyLength::unknown()), s);
       router.say(kContinue);
       f.await_request(router);
       EXPECT_EQ(router.body(), "body");
       f.respond(router, ok("mine"), s);
       EXPECT_TRUE(f.response(s).interim.empty());
       f.expect_response(s, 200, "mine");
       f.expect_pool(1);
       EXPECT_TRUE(f.nobody_connects_to("orders"));
     }},
    {"HeldUploadOfAnExpectingClientIsAskedForByTheAppAlone",
     [](Flow& f) {
       may_delegate(f);
       Request request = upload(BodyLength::known(4));
       request.fields = {{"expect", "100-continue"}};
       const Stream s = f.begin(request);
       App& router = f.accept_request();
       f.pass(3000ms);
       EXPECT_TRUE(f.response(s).interim.empty());
       EXPECT_EQ(f.response(s).status, 0);
       App& orders = handed_over(f, router, to("orders"));
       EXPECT_EQ(orders.field("Expect"), "100-continue");
       orders.say(kContinue);
       f.until([&] { return !f.response(s).interim.empty() || f.response(s).status == 100; });
       f.client().send(s, "body");
       f.client().finish(s);
       f.await_request(orders);
       EXPECT_EQ(orders.body(), "body");
       f.respond(orders, ok("done"), s);
       EXPECT_EQ(f.response(s).interim, std::vector<int>{100});
       f.expect_response(s, 200, "done");
     }},
    {"HeldUploadThatTheAppRefusesIsNeverSent",
     [](Flow& f) {
       Stream s{};
       App& router = holding(f, upload(BodyLength::known(4)), s);
       router.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
       f.expect_response(s, 403, "no");
       EXPECT_TRUE(f.await_cut(router));
       EXPECT_EQ(router.body(), "");
     }},
    {"HeldUploadOfASilentAppEndsWithTheTimeForItsAnswer",
     [](Flow& f) {
       f.options.limits.response_timeout = 4s;
       Stream s{};
       holding(f, upload(BodyLength::known(4)), s);
       f.pass(3s);
       f.expect_fault(s, Fault::kUpstreamTimeout);
     }},
    {"HeldUploadMovesToAnotherConnectionLikeAnyOther",
     [](Flow& f) {
       may_delegate(f);
       const Stream before = f.get("/before");
       App& stale = f.accept_request();
       f.respond(stale, ok("x"), before);
       f.expect_response(before, 200, "x");
       stale.forget();
       Request put = upload(BodyLength::known(4));
       put.method = "PUT";
       const Stream s = f.begin(put);
       f.client().send(s, "body");
       f.client().finish(s);
       f.await_head(stale);
       stale.close();
       App& fresh = f.accept_request();
       EXPECT_EQ(fresh.field("Expect"), "100-continue");
       App& orders = handed_over(f, fresh, to("orders"));
       f.await_request(orders);
       EXPECT_EQ(orders.body(), "body");
       f.respond(orders, ok("done"), s);
       f.expect_response(s, 200, "done");
     }},
    {"DelegationBehindContinueIsAFault",
     [](Flow& f) {
       Stream s{};
       App& router = holding(f, upload(BodyLength::known(4)), s);
       router.say(kContinue);
       f.await_request(router);
       router.say(to("orders"));
       f.expect_fault(s, Fault::kDelegationLate);
       EXPECT_EQ(f.response(s).status, 502);
       EXPECT_TRUE(f.nobody_connects_to("orders"));
     }},
    {"DelegatedWebSocketIsOpenedByTheOtherApp",
     [](Flow& f) {
       may_delegate(f);
       const Stream s = f.begin({.target = "/chat", .upgrade = "websocket"});
       App& router = f.accept_request();
       EXPECT_FALSE(router.has("Expect"));
       App& orders = handed_over(f, router, to("orders"));
       EXPECT_EQ(orders.field("Upgrade"), "websocket");
       orders.say(switching(orders) + "\r\n");
       EXPECT_TRUE(f.until([&] { return f.response(s).status != 0; }));
       EXPECT_EQ(f.response(s).status, f.is(Protocol::kH1) ? 101 : 200);
       orders.say("hello");
       EXPECT_TRUE(f.until([&] { return f.response(s).body == "hello"; }));
       f.client().send(s, "world");
       EXPECT_TRUE(f.until([&] { return orders.body() == "world"; }));
       f.client().finish(s);
       orders.close();
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.only_record().delegations, "shop>orders handed_over");
     }},
    {"DelegationOfAnOpenTunnelIsAFault",
     [](Flow& f) {
       may_delegate(f);
       const Stream s = f.begin({.target = "/chat", .upgrade = "websocket"});
       App& router = f.accept_request();
       router.say(switching(router) + "X-Delegate-To: orders\r\n\r\n");
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).status, 502);
       EXPECT_EQ(f.only_record().fault, Fault::kDelegationLate);
       EXPECT_TRUE(f.nobody_connects_to("orders"));
     }},
    {"DelegatedGrpcCallGoesBothWaysAtTheOtherApp",
     [](Flow& f) {
       may_delegate(f);
       const Stream s = f.begin({.method = "POST",
                                 .target = "/pkg.Service/Method",
                                 .fields = {{"content-type", "application/grpc"}, {"te", "trailers"}},
                                 .body = BodyLength::unknown()});
       f.client().send(s, "one");
       App& router = f.accept_request();
       f.settle();
       EXPECT_EQ(router.body(), "");
       App& orders = handed_over(f, router, to("orders"));
       f.until([&] { return orders.body() == "one"; });
       orders.say("HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n" +
                  chunk("answer"));
       f.until([&] { return f.response(s).body == "answer"; });
       f.client().send(s, "two");
       f.until([&] { return orders.body() == "onetwo"; });
       f.client().finish(s);
       f.respond(orders, "0\r\ngrpc-status: 0\r\n\r\n", s);
       EXPECT_EQ(f.response(s).trailers, (Fields{{"grpc-status", "0"}}));
       f.expect_response(s, 200, "answer");
     }},
};

}  // namespace
}  // namespace gatehouse::flow
