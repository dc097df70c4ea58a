// Every timer of a client connection at once, in every order: whatever the connection was doing, it ends once, and
// nothing of it calls after that.
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/frontend/accept/clear_accept.h"
#include "proxy/frontend/accept/tls_accept.h"
#include "tests/support/disorder.h"
#include "tests/support/h2_client.h"
#include "tests/support/quic_case.h"
#include "tests/support/stream_testing.h"
#include "tests/support/tls_testing.h"

namespace gatehouse {
namespace {

using namespace testing_support;

constexpr int kRuns = 60;

void write(MemoryStream& stream, std::string_view text) {
  Buffer bytes(text);
  stream.write(bytes);
}

// By the target: at once, with a part and then nothing more, with more than a client takes, broken off, or never.
void respond(Exchange& exchange) {
  const std::string_view path = exchange.request().path();
  if (path == "/hold") return;
  if (path == "/part" || path == "/large" || path == "/break") {
    exchange.respond({.status = 200, .body = BodyLength::unknown()});
    write_response(exchange, std::string(path == "/large" ? 60'000 : 10, 'x'));
    if (path == "/break") exchange.fail(Fault::kUpstreamTruncated);
    return;
  }
  exchange.respond({.status = 200}, "hello");
}

constexpr std::array<std::string_view, 5> kTargets = {"/", "/hold", "/part", "/large", "/break"};

// The client's last act before time stands still, or none.
void act(MemoryStream& stream, FrontendWorld& world, Random& random) {
  switch (up_to(random, 3)) {
    case 0:
      stream.shutdown_write();
      break;
    case 1:
      world.context.connections.drain_all();
      break;
    default:
      break;
  }
}

void play_lingering(FrontendWorld& world, Random& random) {
  TextClient client(world);
  client.send("GET / HTTP/1.1\r\n\r\n");  // no Host: refused, and closed with care
  for (std::size_t pieces = up_to(random, 2); pieces > 0; --pieces) {
    write(client.stream(), "more");
    world.loop.turn(EventLoop::Wait::kNever);
  }
  if (up_to(random, 3) > 0) client.stream().shutdown_write();
  stall(world.loop, world.clock, random);
}

void play_h1(FrontendWorld& world, Random& random) {
  const std::array<std::string, 6> beginnings = {
      "",
      "GET / HT",
      get(one_of(random, kTargets)),
      get(one_of(random, kTargets)) + get(one_of(random, kTargets)),
      "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n" + std::string(90'000, 'x'),
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"};
  const std::array<std::size_t, 2> rooms = {1000, MemoryStream::kRoom};
  std::vector<std::unique_ptr<TextClient>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<TextClient>(world, one_of(random, rooms), up_to(random, 1) == 0));
    write(clients.back()->stream(), one_of(random, beginnings));
    act(clients.back()->stream(), world, random);
  }
  if (up_to(random, 1) == 0) clients.pop_back();
  stall(world.loop, world.clock, random);
}

void play_h2(FrontendWorld& world, Random& random) {
  const H2Client::Options options{.reads = up_to(random, 1) == 0,
                                  .window = static_cast<std::uint32_t>(up_to(random, 3) * 20'000),
                                  .acknowledges_settings = up_to(random, 3) > 0};
  H2Client client(world, options);
  for (std::size_t requests = up_to(random, 5); requests > 0; --requests) {
    const bool whole = up_to(random, 1) == 0;
    const std::int32_t id = client.ask(
        {.method = whole ? "GET" : "POST", .path = std::string(one_of(random, kTargets)), .stays_open = !whole});
    if (!whole && up_to(random, 1) == 0) client.send_data(id, "half");
    if (up_to(random, 3) == 0) client.cancel(id);
  }
  if (up_to(random, 3) == 0) client.send_raw(h2_frame(NGHTTP2_HEADERS, 0, 99, "\x82"));  // and no CONTINUATION
  act(client.stream(), world, random);
  stall(world.loop, world.clock, random);
}

void play_clear(FrontendWorld& world, Random& random) {
  constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  world.context.speaks_h2 = true;
  std::vector<std::unique_ptr<MemoryStream>> clients;
  for (int i = 0; i < 4; ++i) {
    auto [client, server] = MemoryStream::make_pair(world.loop);
    ClearAccept::begin(world.context, {.stream = std::move(server)});
    world.loop.turn(EventLoop::Wait::kNever);
    write(*client, up_to(random, 2) == 0 ? get() : kPreface.substr(0, up_to(random, kPreface.size())));
    act(*client, world, random);
    if (up_to(random, 3) > 0) clients.push_back(std::move(client));
  }
  stall(world.loop, world.clock, random);
}

void play_tls(FrontendWorld& world, Random& random) {
  static const ContextPtr kServer = server_context(TLS1_3_VERSION);
  static const ContextPtr kClient = client_context();
  std::vector<Fd> clients;
  for (int i = 0; i < 4; ++i) {
    auto [ours, theirs] = connected_pair(SocketKind::kUnix);
    auto stream = std::make_unique<TlsStream>(world.loop, std::make_unique<TcpStream>(world.loop, std::move(ours)),
                                              server_ssl(*kServer));
    const Address peer = Address::parse("192.0.2.7:4711").value();
    world.context.connections.add(
        std::make_unique<TlsAccept>(world.context, std::move(stream), peer, ConnectionPermit()));
    MemoryClient client(*kClient);
    client.handshake();
    const std::string hello = client.take_wire();
    const std::size_t size = up_to(random, 1) == 0 ? hello.size() : up_to(random, hello.size());
    EXPECT_EQ(::send(theirs.get(), hello.data(), size, MSG_NOSIGNAL), static_cast<ssize_t>(size));
    if (up_to(random, 1) == 0) clients.push_back(std::move(theirs));
  }
  stall(world.loop, world.clock, random);
}

struct Scene {
  const char* name;
  void (*play)(FrontendWorld&, Random&);
};

void PrintTo(const Scene& scene, std::ostream* out) {
  *out << scene.name;
}

class ClientTimersTest : public testing::TestWithParam<Scene> {};

TEST_P(ClientTimersTest, AllAtOnceEndAConnectionOnce) {
  in_many_orders(kRuns, [](Random& random) {
    FrontendWorld world;
    world.script = respond;
    GetParam().play(world, random);
    world.advance(kBeyondAllDeadlines);
    world.context.connections.close_all();
    world.settle();
    EXPECT_EQ(world.context.connections.size(), 0U);
    for (const auto& open : world.counters.connections) EXPECT_EQ(open.value(), 0U);
    EXPECT_EQ(world.begun, static_cast<int>(world.ended.size()));
    EXPECT_TRUE(world.live.empty());
  });
}

INSTANTIATE_TEST_SUITE_P(EachKind, ClientTimersTest,
                         testing::Values(Scene{"LingeringClose", play_lingering}, Scene{"H1Connection", play_h1},
                                         Scene{"H2Connection", play_h2}, Scene{"ClearAccept", play_clear},
                                         Scene{"TlsAccept", play_tls}),
                         [](const auto& each) { return each.param.name; });

class QuicTimersTest : public QuicCase {
 protected:
  void begin_something(H3Client& client, Random& random) {
    const auto requests = client.connected() ? up_to(random, 4) : 0;
    for (std::size_t i = 0; i < requests; ++i) {
      const auto stream = client.get(std::string(one_of(random, kTargets)));
      if (up_to(random, 2) == 0) client.hold(stream);
      if (up_to(random, 3) == 0) client.reset(stream, 0x10c);
    }
    if (up_to(random, 3) == 0) client.close();
    if (up_to(random, 5) == 0) context.connections.drain_all();
  }
};

TEST_F(QuicTimersTest, AllAtOnceEndAConnectionOnce) {
  script = [](Exchange& exchange) {
    if (!exchange.response()) respond(exchange);
  };
  in_many_orders(kRuns / 2, [this](Random& random) {
    H3Client& client = connect();
    for (std::size_t steps = up_to(random, 6); steps > 0; --steps) pass(std::chrono::milliseconds(5));
    begin_something(client, random);
    client.step();
    stall(loop, clock, random);
    network.cut = true;
    pass(std::chrono::milliseconds(5));
    stall(loop, clock, random);
    context.connections.close_all();
    stall(loop, clock, random);
    EXPECT_EQ(context.connections.size(), 0U);
    EXPECT_EQ(counters.connections[static_cast<std::size_t>(Protocol::kH3)].value(), 0U);
    EXPECT_EQ(observer.running, 0);
    clients.clear();
    network.cut = false;
  });
}

// Says how often it has been destroyed, and closes itself as often as it is told.
class Careless final : public ClientConnection {
 public:
  Careless(EventLoop& loop, ConnectionList& list, int& destroyed)
      : list_(list),
        destroyed_(destroyed),
        first_(loop, [this] { list_.close(*this); }),
        second_(loop, [this] { list_.close(*this); }),
        third_(loop, until_closed([this] { ++calls; })) {
    first_.arm(std::chrono::seconds(1));
    second_.arm(std::chrono::seconds(1));
    third_.arm(std::chrono::seconds(1));
  }
  ~Careless() override { ++destroyed_; }
  void drain() override {}
  Standing standing() const override { return Standing::kIdle; }
  bool unread() const override { return false; }
  void close_now() override { list_.close(*this); }

  static inline int calls = 0;

 private:
  ConnectionList& list_;
  int& destroyed_;
  Timer first_;
  Timer second_;
  Timer third_;
};

TEST(ConnectionListTest, OneThatClosesTwiceIsDestroyedOnce) {
  ManualClock clock;
  EventLoop loop{clock};
  ConnectionList list(loop);
  int destroyed = 0;
  list.add(std::make_unique<Careless>(loop, list, destroyed));
  list.add(std::make_unique<Careless>(loop, list, destroyed));
  clock.advance(std::chrono::seconds(2));
  loop.turn(EventLoop::Wait::kNever);
  EXPECT_EQ(destroyed, 2);
  EXPECT_EQ(list.size(), 0U);
  EXPECT_EQ(list.make_room(1).total(), 0U);
}

TEST(ConnectionListTest, OneThatHasLeftIsNotTouched) {
  ManualClock clock;
  EventLoop loop{clock};
  ConnectionList list(loop);
  int destroyed = 0;
  auto made = std::make_unique<Careless>(loop, list, destroyed);
  Careless& connection = *made;
  list.add(std::move(made));
  list.close(connection);
  list.touch(connection);
  EXPECT_EQ(list.size(), 0U);
  clock.advance(std::chrono::seconds(2));
  Careless::calls = 0;
  loop.turn(EventLoop::Wait::kNever);
  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(Careless::calls, 0);
}

}  // namespace
}  // namespace gatehouse
