// WebSockets and other tunnels: the handshake, what is held until it is answered, bytes in both directions, and every
// way in which a tunnel ends or never begins.
#include <format>

#include "common/crypto/digest.h"
#include "common/text.h"
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

Request websocket(const std::string& target = "/") {
  return {.target = target, .upgrade = "websocket"};
}

// What an endpoint owes for the key that it got (RFC 6455 section 4.2.2).
std::string proof_of(const std::string& key) {
  return text::base64(digest::sha1(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
}

std::string switching(std::string_view proof) {
  return std::format(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "
      "{}\r\n\r\n",
      proof);
}

int status_of_tunnel(const Flow& f) {
  return f.is(Protocol::kH1) ? 101 : 200;
}

// Returns the app of a tunnel that both sides know to be open.
App& open(Flow& f, Stream s) {
  App& app = f.accept_request();
  app.say(switching(proof_of(app.field("Sec-WebSocket-Key"))));
  EXPECT_TRUE(f.until([&] { return f.response(s).status != 0; }));
  EXPECT_EQ(f.response(s).status, status_of_tunnel(f));
  return app;
}

// What is sent in either direction.
struct Words {
  std::string up;
  std::string down;
};

bool echoed(Flow& f, Stream s, App& app, const Words& words) {
  const std::string had = f.response(s).body;
  const std::string sent = app.body();
  f.client().send(s, words.up);
  if (!f.until([&] { return app.body() == sent + words.up; })) return false;
  app.say(words.down);
  return f.until([&] { return f.response(s).body == had + words.down; });
}

const Table kTable = {
    {"WebSocketIsOpenedAndBytesGoBothWays",
     [](Flow& f) {
       const Stream s = f.begin(websocket("/chat?room=1"));
       App& app = open(f, s);
       EXPECT_EQ(app.line(), "GET /chat?room=1 HTTP/1.1");
       EXPECT_EQ(app.field("Upgrade"), "websocket");
       EXPECT_EQ(app.field("Connection"), "Upgrade");
       EXPECT_EQ(app.field("Sec-WebSocket-Version"), "13");
       EXPECT_FALSE(app.has("Content-Length"));
       EXPECT_FALSE(app.has("Transfer-Encoding"));
       EXPECT_EQ(f.response(s).field("sec-websocket-accept").empty(), !f.is(Protocol::kH1));
       EXPECT_TRUE(echoed(f, s, app, {"hello", "world"}));
       EXPECT_TRUE(echoed(f, s, app, {"again", "and again"}));
       EXPECT_EQ(f.running(), 1);
       f.client().finish(s);
       EXPECT_TRUE(f.until([&] { return app.cut(); }));
       app.finish();
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).end, End::kClean);
       const Record record = f.only_record();
       EXPECT_EQ(record.fault, std::nullopt);
       EXPECT_EQ(record.bytes_in, 10U);
       EXPECT_EQ(record.bytes_out, 14U);
       f.expect_pool(0);
     }},
    {"KeyOfAnH1ClientIsPassedOnAndOthersGetAFreshOne",
     [](Flow& f) {
       const Stream s = f.begin(websocket());
       App& app = f.accept_request();
       const std::string key = app.field("Sec-WebSocket-Key");
       EXPECT_EQ(key == kWebSocketKey, f.is(Protocol::kH1));
       EXPECT_EQ(key.size(), kWebSocketKey.size());
       f.client().reset(s);
       EXPECT_TRUE(f.await_cut(app));
       f.expect_gone("/", 499);
     }},
    {"WhatComesBehindTheHandshakeWaitsForItsAnswer",
     [](Flow& f) {
       const Stream s = f.begin(websocket());
       f.client().send(s, "early");
       App& app = f.accept_request();
       f.settle();
       EXPECT_EQ(app.body(), "");
       app.say(switching(proof_of(app.field("Sec-WebSocket-Key"))) + "first");
       EXPECT_TRUE(f.until([&] { return app.body() == "early" && f.response(s).body == "first"; }));
       EXPECT_TRUE(echoed(f, s, app, {"up", "down"}));
       app.close();
       f.client().finish(s);
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       f.forget_records();
     }},
    {"RefusalOfTheAppIsAnOrdinaryAnswer",
     [](Flow& f) {
       const Stream s = f.begin(websocket());
       App& app = f.accept_request();
       f.respond(app, "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!", s);
       f.expect_response(s, 403, "no!");
       EXPECT_TRUE(f.client().usable(s));
       f.expect_pool(1);
     }},
    {"SuccessThatIsNoTunnelIsNotTakenForOne",
     [](Flow& f) {
       const Stream s = f.begin(websocket());
       App& app = f.accept_request();
       app.say(ok("<html>"));
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).status, f.is(Protocol::kH1) ? 200 : 502);
       const std::optional<Fault> refused = Fault::kUpgradeRefused;
       EXPECT_EQ(f.only_record().fault, f.is(Protocol::kH1) ? std::nullopt : refused);
     }},
    {"ProofThatIsWrongIsAFault",
     [](Flow& f) {
       const Stream s = f.begin(websocket());
       App& app = f.accept_request();
       app.say(switching("AAAAAAAAAAAAAAAAAAAAAAAAAAA="));
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).status, 502);
       EXPECT_EQ(f.only_record().fault, Fault::kUpstreamInvalid);
       EXPECT_TRUE(f.await_cut(app));
       f.expect_pool(0);
     }},
    {"SwitchThatNobodyAskedForIsAFault",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say(switching(kWebSocketProof));
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).status, 502);
       f.expect_pool(0);
       f.forget_records();
     }},
    {"AppEndsItsHalfAndTheClientGoesOn",
     [](Flow& f) {
       const Stream s = f.begin(websocket());
       App& app = open(f, s);
       app.say("bye");
       app.finish();
       EXPECT_TRUE(f.until([&] { return f.response(s).body == "bye"; }));
       f.client().send(s, "more");
       EXPECT_TRUE(f.until([&] { return app.body() == "more"; }));
       EXPECT_EQ(f.running(), 1);
       f.client().finish(s);
       EXPECT_TRUE(f.until([&] { return f.over(s) && f.running() == 0; }));
       EXPECT_EQ(f.response(s).end, End::kClean);
       EXPECT_TRUE(f.await_cut(app));
       f.forget_records();
     }},
    {"HalfOfATunnelEndsThirtySecondsAfterTheOther",
     [](Flow& f) {
       const Stream s = f.begin(websocket());
       App& app = open(f, s);
       app.finish();
       f.settle();
       f.pass(29s);
       EXPECT_EQ(f.running(), 1);
       f.pass(2s);
       EXPECT_TRUE(f.until([&] { return f.running() == 0; }));
       EXPECT_EQ(f.only_record().fault, Fault::kTunnelTimeout);
       EXPECT_TRUE(f.await_cut(app));
     }},
    {"TunnelThatCarriesNothingEndsAndOneThatDoesLives",
     [](Flow& f) {
       f.options.limits.tunnel_timeout = 60s;
       f.options.limits.request_body_timeout = 5s;
       f.options.limits.response_body_timeout = 5s;
       f.options.limits.response_timeout = 5s;
       const Stream s = f.begin(websocket());
       App& app = open(f, s);
       for (int i = 0; i < 4; ++i) {
         f.pass(50s);
         EXPECT_TRUE(echoed(f, s, app, {"ping", "pong"}));
       }
       f.pass(61s);
       EXPECT_TRUE(f.until([&] { return f.running() == 0; }));
       EXPECT_EQ(f.only_record().fault, Fault::kTunnelTimeout);
       EXPECT_TRUE(f.await_cut(app));
     }},
    {"BodyLimitIsNotForTunnels",
     [](Flow& f) {
       f.options.limits.max_request_body = 10;
       const Stream s = f.begin(websocket());
       App& app = open(f, s);
       EXPECT_TRUE(echoed(f, s, app, {std::string(100, 'u'), std::string(100, 'd')}));
       f.client().reset(s);
       EXPECT_TRUE(f.await_cut(app));
       f.forget_records();
     }},
    {"ManyBytesCrossInBothDirectionsWhileOneSideIsSlow",
     [](Flow& f) {
       f.options.unix_socket = true;
       const Stream s = f.begin(websocket());
       App& app = open(f, s);
       const std::string big = pattern(1'000'000);
       f.client().stop_reading(s);
       f.client().send(s, big);
       std::size_t said = 0;
       for (int i = 0; i < 200; ++i) {
         said += app.say_what_fits(std::string_view(big).substr(said));
         f.turn();
       }
       EXPECT_LT(said, 600'000U);  // backpressure: nobody reads
       f.client().read_on(s);
       EXPECT_TRUE(f.until([&] {
         said += app.say_what_fits(std::string_view(big).substr(said));
         return f.response(s).body.size() == big.size() && app.body().size() == big.size();
       }));
       EXPECT_EQ(f.response(s).body, big);
       EXPECT_EQ(app.body(), big);
       f.client().reset(s);
       EXPECT_TRUE(f.await_cut(app));
       f.forget_records();
     }},
    {"ClientThatGoesAwayEndsTheTunnel",
     [](Flow& f) {
       const Stream s = f.begin(websocket());
       App& app = open(f, s);
       f.client().reset(s);
       EXPECT_TRUE(f.await_cut(app));
       EXPECT_EQ(f.only_record().fault, Fault::kClientGone);
     }},
    {"AppThatBreaksBreaksTheTunnel",
     [](Flow& f) {
       const Stream s = f.begin(websocket());
       App& app = open(f, s);
       EXPECT_TRUE(echoed(f, s, app, {"up", "down"}));
       app.reset();
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).end, End::kBroken);
       EXPECT_EQ(f.only_record().fault, Fault::kUpstreamTruncated);
     }},
    {"WhatTheRouteDoesNotListIsNotAskedFor",
     [](Flow& f) {
       f.options.route.upgrade = {};
       const Stream s = f.begin(websocket());
       if (!f.is(Protocol::kH1)) {
         EXPECT_TRUE(f.until([&] { return f.over(s); }));
         EXPECT_EQ(f.response(s).status, 501);
         EXPECT_EQ(f.only_record().fault, Fault::kUpgradeNotSupported);
         return;
       }
       App& app = f.accept_request();
       EXPECT_FALSE(app.has("Upgrade"));
       f.respond(app, ok("plain"), s);
       f.expect_response(s, 200, "plain");
     }},
    {"OtherProtocolsThatTheRouteListsAreTunnelsToo",
     [](Flow& f) {
       f.options.route.upgrade = {"tcp"};
       const Stream s = f.begin({.upgrade = "tcp"});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("Upgrade"), "tcp");
       app.say("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
       EXPECT_TRUE(f.until([&] { return f.response(s).status == status_of_tunnel(f); }));
       EXPECT_TRUE(echoed(f, s, app, {"up", "down"}));
       f.client().reset(s);
       EXPECT_TRUE(f.await_cut(app));
       f.forget_records();
     }},
};

}  // namespace
}  // namespace gatehouse::flow
