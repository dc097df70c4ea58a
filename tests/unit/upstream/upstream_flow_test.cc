// How bytes and time flow through an upstream connection: both directions at once, no faster than the slower side, and
// with a limit to everybody's patience.
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/sockets.h"
#include "proxy/upstream/upstream_connection.h"
#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

constexpr std::size_t kCapacity = BodyPipe::kDefaultCapacity;
constexpr std::size_t kMuch = 3UL * 1024 * 1024;

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24U);
  }
  return text;
}

class UpstreamFlowTest : public ForwardingTest {
 protected:
  // As a codec would: as much as there is room for. Returns how much.
  static std::size_t offer(TestExchange& e, std::string_view rest) {
    const std::size_t count = std::min(e->request_body().room(), rest.size());
    if (count > 0) e->request_body().write(Buffer(rest.substr(0, count)));
    return count;
  }
  // Until neither the pipe nor the socket takes any more; returns how much went in.
  std::size_t fill(TestExchange& e) {
    std::size_t total = 0;
    for (int quiet = 0; quiet < 20; ++quiet) {
      const std::size_t count = offer(e, std::string(kCapacity, 'x'));
      if (count > 0) quiet = 0;
      total += count;
      world.loop.turn(EventLoop::Wait::kNever);
    }
    return total;
  }
  static std::string unchunked(std::string_view body) {
    std::string out;
    while (!body.empty()) {
      const std::size_t end = body.find("\r\n");
      const std::size_t size = std::stoul(std::string(body.substr(0, end)), nullptr, 16);
      if (size == 0) return out;
      out += body.substr(end + 2, size);
      body.remove_prefix(end + 2 + size + 2);
    }
    return out;
  }
};

TEST_F(UpstreamFlowTest, BothBodiesMoveAtOnceAndArriveExactly) {
  for (const bool chunked : {false, true}) {
    const std::string up = pattern(kMuch);
    const std::string down = pattern(kMuch + 1);
    TestExchange e = exchange("POST", chunked ? BodyLength::unknown() : BodyLength::known(up.size()));
    ScriptedConnection connection = world.accept(endpoint);
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(down.size()) + "\r\n\r\n");
    std::size_t offered = 0;
    std::size_t responded = 0;
    world.turn_until([&] {
      offered += offer(e, std::string_view(up).substr(offered));
      if (offered == up.size() && !e->request_body().ended()) e->request_body().finish();
      connection.take(100'000);
      // Not the last of the answer before the whole request is there: that would be an early answer.
      const bool all_up = connection.received().size() >= up.size() && offered == up.size();
      const std::size_t until = all_up ? down.size() : down.size() - 1;
      responded += connection.send_what_fits(std::string_view(down).substr(responded, until - responded));
      return e.over();
    });
    EXPECT_TRUE(e.complete());
    EXPECT_TRUE(e.body == down);
    const std::string& request = connection.received();
    const std::string_view body = std::string_view(request).substr(request.find("\r\n\r\n") + 4);
    EXPECT_TRUE((chunked ? unchunked(body) : std::string(body)) == up);
    EXPECT_EQ(idle(), 1U);
    connection.close();
    world.settle();
  }
}

TEST_F(UpstreamFlowTest, AnEndpointThatDoesNotReadStopsTheClientAtItsPipe) {
  TestExchange e = exchange("POST", BodyLength::unknown());
  ScriptedConnection connection = world.accept(endpoint);
  fill(e);
  EXPECT_EQ(e->request_body().room(), 0U);
  EXPECT_EQ(e->request_pipe().reader().available(), kCapacity);
  // Progress is worth as much patience again; none is a timeout.
  world.advance(100s);
  EXPECT_GT(connection.received().size(), kCapacity);
  EXPECT_GT(fill(e), 0U);
  world.advance(100s);
  EXPECT_FALSE(e.over());
  world.advance(21s);
  EXPECT_EQ(e.status(), 504);
  EXPECT_EQ(e->record().fault, Fault::kUpstreamTimeout);
  EXPECT_EQ(active(), 0U);
}

TEST_F(UpstreamFlowTest, AClientThatDoesNotReadStopsTheEndpoint) {
  routes = routes_to(upstream, {.limits = {.min_response_rate = 0}});
  TestExchange e = exchange("GET");
  e.reading = false;
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
  const std::string block(256UL * 1024, 'x');
  std::size_t sent = 0;
  for (int quiet = 0; quiet < 20; ++quiet) {
    const std::size_t now = connection.send_what_fits(block);
    if (now > 0) quiet = 0;
    sent += now;
    world.loop.turn(EventLoop::Wait::kNever);
  }
  EXPECT_LT(sent, 50'000'000U);
  const std::size_t held = e->response_body().available();
  EXPECT_GE(held, kCapacity);
  EXPECT_LE(held, 2 * kCapacity);
  // It is the client who is waited for, so the endpoint cannot be late.
  world.advance(25s);
  EXPECT_FALSE(e.over());
  EXPECT_EQ(e->response_body().available(), held);

  // The endpoint goes on where the client does.
  const std::uint64_t before = e->response_body().total();
  e.reading = true;
  e.body = e->response_body().read(held).to_string();
  world.turn_until([&] {
    connection.send_what_fits(block);
    return e->response_body().total() > before + 10 * kCapacity;
  });
}

TEST_F(UpstreamFlowTest, AnAnswerThatDoesNotComeIs504) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  world.advance(119s);
  EXPECT_EQ(e.status(), 0);
  world.advance(2s);
  EXPECT_EQ(e.status(), 504);
  EXPECT_EQ(e->record().fault, Fault::kUpstreamTimeout);
  EXPECT_EQ(e->record().attempts, 1U);
  EXPECT_TRUE(world.turn_until([&] { return connection.ended(); }));
}

TEST_F(UpstreamFlowTest, AHeadThatStopsHalfWayIs504AsWell) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  connection.send("HTTP/1.1 200 OK\r\nContent-");
  world.settle();
  world.advance(121s);
  EXPECT_EQ(e.status(), 504);
}

TEST_F(UpstreamFlowTest, AnAnswerThatStopsHalfWayIsBrokenOff) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
  world.turn_until([&] { return e.status() == 200; });
  for (int i = 0; i < 5; ++i) {  // slow, but not silent
    world.advance(119s);
    connection.send("x");
    world.turn_until([&] { return e.body.size() == static_cast<std::size_t>(i) + 1; });
  }
  EXPECT_FALSE(e.over());
  world.advance(121s);
  EXPECT_EQ(e->broken_off(), Fault::kUpstreamBodyTimeout);
}

TEST_F(UpstreamFlowTest, TheEndpointIsNotLateWhileTheClientHasNotSentAll) {
  routes = routes_to(upstream, {.limits = {.request_body_timeout = 10'000s}});
  TestExchange e = exchange("POST", BodyLength::known(2));
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  world.advance(1000s);
  EXPECT_FALSE(e.over());
  e->request_body().write(Buffer("ok"));
  e->request_body().finish();
  world.settle();
  world.advance(119s);
  EXPECT_FALSE(e.over());
  carry(e, connection, kOkResponse);
  EXPECT_EQ(e.body, "hello");
}

// Connections that nobody accepts, until the kernel answers no more.
std::vector<Fd> fill_backlog(const Address& address) {
  std::vector<Fd> connections;
  for (int i = 0; i < 4; ++i) {
    if (Result<Fd> fd = sockets::connect(address)) connections.push_back(*std::move(fd));
  }
  return connections;
}

TEST_F(UpstreamFlowTest, AConnectThatIsNotAnsweredIsTriedElsewhereAndThen504) {
  const ScriptedEndpoint full(Address::parse("127.0.0.1:0").value(), 0);
  const std::vector<Fd> others = fill_backlog(full.address());
  routes = routes_to(upstream_of({full.address()}));
  TestExchange e = exchange("POST");
  world.settle();
  world.advance(4900ms);
  EXPECT_FALSE(e.over());
  world.advance(200ms);
  EXPECT_EQ(e.status(), 504);
  EXPECT_EQ(e->record().fault, Fault::kConnectTimeout);
  EXPECT_EQ(world.endpoint_counters[full.address().to_string()].connects_timeout.value(), 1U);

  routes = routes_to(upstream_of({full.address(), endpoint.address()}));
  TestExchange f = exchange("POST");
  world.settle();
  world.advance(5100ms);
  ScriptedConnection connection = world.accept(endpoint);
  carry(f, connection, kOkResponse);
  EXPECT_EQ(f.status(), 200);
}

TEST_F(UpstreamFlowTest, AnEarlyAnswerPassesAtOnceAndTheConnectionIsNotKept) {
  for (const char* response : {"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                               "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
    TestExchange e = exchange("POST", BodyLength::unknown());
    e->request_body().write(Buffer("some of it"));
    ScriptedConnection connection = world.accept(endpoint);
    carry(e, connection, response);
    EXPECT_TRUE(e.complete());
    EXPECT_TRUE(e->request_body().abandoned());
    EXPECT_EQ(idle(), 0U);
    EXPECT_TRUE(world.turn_until([&] { return connection.ended(); }));
  }
}

TEST_F(UpstreamFlowTest, AnAnswerThatCameBeforeAResetIsStillDelivered) {
  TestExchange e = exchange("POST", BodyLength::unknown());
  e->request_body().write(Buffer("some of it"));
  ScriptedConnection connection = world.accept(endpoint);
  world.settle();
  connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!");
  connection.close();  // with bytes unread: a reset follows the answer
  for (int i = 0; i < 8; ++i) e->request_body().write(Buffer(std::string(4096, 'x')));
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e.status(), 413);
  EXPECT_EQ(e.body, "no!");
}

TEST_F(UpstreamFlowTest, AnAnswerThatCameBeforeAResetOfAKeptConnectionIsDeliveredToo) {
  TestExchange first = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  carry(first, connection, kOkResponse);
  ASSERT_EQ(idle(), 1U);
  TestExchange e = exchange("POST", BodyLength::unknown());
  e->request_body().write(Buffer("some of it"));
  world.settle();
  EXPECT_TRUE(e->record().upstream_reused);
  connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!");
  connection.close();  // with bytes unread: a reset follows the answer
  for (int i = 0; i < 8; ++i) e->request_body().write(Buffer(std::string(4096, 'x')));
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e.status(), 413);
  EXPECT_TRUE(e.complete());
  EXPECT_EQ(e->record().fault, std::nullopt);
}

TEST_F(UpstreamFlowTest, ABodyThatFailsTakesTheConnectionWithIt) {
  TestExchange e = exchange("POST", BodyLength::unknown());
  e->request_body().write(Buffer("some of it"));
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  e->fail_request(Fault::kRequestBodyInvalid);
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e.status(), 400);
  EXPECT_TRUE(world.turn_until([&] { return connection.ended(); }));
  EXPECT_EQ(connection.received().find("\r\n0\r\n"), std::string::npos);
}

TEST_F(UpstreamFlowTest, ABodyOfAnotherLengthThanAnnouncedIsNeverSentAsIfItWereWhole) {
  for (const char* body : {"short", "much longer than that"}) {
    TestExchange e = exchange("POST", BodyLength::known(10));
    ScriptedConnection connection = world.accept(endpoint);
    world.request_of(connection);
    e->request_body().write(Buffer(body));
    e->request_body().finish();
    world.turn_until([&] { return e.over(); });
    EXPECT_EQ(e.status(), 400);
    EXPECT_TRUE(world.turn_until([&] { return connection.ended(); }));
  }
}

TEST_F(UpstreamFlowTest, ABodyBeyondTheLimitIs413) {
  routes = routes_to(upstream, {.limits = {.max_request_body = 8}});
  TestExchange e = exchange("POST", BodyLength::unknown());
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  e->request_body().write(Buffer("far too much"));
  e->request_body().finish();
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e.status(), 413);
  EXPECT_TRUE(world.turn_until([&] { return connection.ended(); }));
}

TEST_F(UpstreamFlowTest, AnAnswerByteByByteIsTheSameAnswer) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  const std::string_view response =
      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\nA: "
      "b\r\n\r\n";
  for (const char c : response) {
    EXPECT_FALSE(e.over());
    connection.send({&c, 1});
    world.settle();
  }
  EXPECT_TRUE(e.complete());
  EXPECT_EQ(e.body, "hello!");
  EXPECT_EQ(idle(), 1U);
}

// The read that brings the end of the answer is filled to the brim, so that what follows is still in the socket.
TEST_F(UpstreamFlowTest, ExtraBytesBehindAFullReadAreFoundToo) {
  for (const std::size_t size : {4096UL, 8192UL, 16384UL, 65536UL}) {
    TestExchange e = exchange("GET");
    ScriptedConnection connection = world.accept(endpoint);
    world.request_of(connection);
    const std::string_view head = "HTTP/1.1 200 OK\r\nContent-Length: 00000\r\n\r\n";
    const std::size_t length = size - head.size();
    std::string response(head);
    const std::string digits = std::to_string(length);
    response.replace(head.find("00000") + 5 - digits.size(), digits.size(), digits);
    response += std::string(length, 'x') + "extra";
    connection.send(response);
    world.turn_until([&] { return e.over(); });
    world.settle();
    EXPECT_TRUE(e.complete());
    EXPECT_EQ(e.body.size(), length);
    EXPECT_EQ(idle(), 0U) << size;
  }
}

}  // namespace
}  // namespace gatehouse
