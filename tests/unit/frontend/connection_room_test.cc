// What becomes of clients when as many connections are open as may be, or descriptors run out.
#include <sys/socket.h>

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/frontend/room_maker.h"
#include "proxy/frontend/tls/tls_contexts.h"
#include "tests/support/no_descriptors.h"
#include "tests/support/tcp_front.h"
#include "tests/support/tls_testing.h"

namespace gatehouse::testing_support {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;

constexpr auto kPoll = EventLoop::Wait::kNever;

std::uint64_t refused(const FrontendWorld& world, ConnectionRefusal why) {
  return world.counters.refused[static_cast<std::size_t>(why)].value();
}

void send(const Fd& client, std::string_view text) {
  ASSERT_EQ(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL), std::ssize(text));
}

void turns(FrontendWorld& world, int count = 50) {
  for (int i = 0; i < count; ++i) world.loop.turn(kPoll);
}

std::shared_ptr<ConnectionBudget> limit(std::uint64_t connections) {
  return std::make_shared<ConnectionBudget>(connections);
}

// A client of the crowd: sends its request at once and reads until its answer is complete, over TLS if it has an `ssl`.
class OneOfTheCrowd {
 public:
  OneOfTheCrowd(const Front& front, SSL_CTX* context) : socket_(front.connect()) {
    if (context == nullptr) return;
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), socket_.get());
    SSL_set_connect_state(ssl_.get());
  }

  // True once it has its answer; fails the test if the connection ended before.
  bool step() {
    if (response_.ends_with("hello")) return true;
    if (!asked_) asked_ = ask();
    char piece[4096];
    for (int count = 1; asked_ && count > 0;) {
      count = ssl_ ? SSL_read(ssl_.get(), piece, sizeof piece)
                   : static_cast<int>(::recv(socket_.get(), piece, sizeof piece, MSG_DONTWAIT));
      if (count > 0) response_.append(piece, static_cast<std::size_t>(count));
      if (count == 0 && !response_.ends_with("hello")) ADD_FAILURE() << "closed after: " << response_;
      if (count < 0 && !ssl_ && errno != EAGAIN) ADD_FAILURE() << "broken after: " << response_;
      if (count < 0 && ssl_ && SSL_get_error(ssl_.get(), count) != SSL_ERROR_WANT_READ) ADD_FAILURE() << "TLS broke";
    }
    if (!response_.ends_with("hello")) return false;
    if (response_.contains("Connection: close")) leave();
    return true;
  }
  const std::string& response() const { return response_; }

 private:
  void leave() {
    ssl_.reset();
    socket_.reset();
  }
  bool ask() {
    const std::string request = get();
    if (!ssl_) return ::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) == std::ssize(request);
    return SSL_do_handshake(ssl_.get()) == 1 &&
           SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size())) == std::ssize(request);
  }

  Fd socket_;
  TlsStream::SslPtr ssl_;
  bool asked_ = false;
  std::string response_;
};

void crowd_is_served(Front& front, SSL_CTX* context) {
  std::vector<std::unique_ptr<OneOfTheCrowd>> crowd;
  for (int i = 0; i < 60; ++i) crowd.push_back(std::make_unique<OneOfTheCrowd>(front, context));
  for (const auto& client : crowd) client->step();
  front.until([&] { return std::ranges::count_if(crowd, [](const auto& client) { return client->step(); }) == 60; });
  EXPECT_LE(front.open(), 40U);
  EXPECT_GE(refused(front, ConnectionRefusal::kLimit), 1U);
  // Who was let in at the limit is told to make room by its answer, and by nothing else.
  EXPECT_GE(std::ranges::count_if(crowd, [](const auto& one) { return one->response().contains("Connection: close"); }),
            20);
}

// Without a moment passing on the clock: nothing has been idle for long enough to be closed for others.
TEST(ConnectionRoom, CompleteRequestsBeyondTheLimitWaitAndAreServed) {
  Front front(nullptr, limit(40));
  crowd_is_served(front, nullptr);
}

TEST(ConnectionRoom, CompleteRequestsBeyondTheLimitWaitAndAreServedOverTls) {
  const PemPair pem = make_certificate();
  TlsOptions options{.certificates = {Certificate::parse(pem.certificate, pem.private_key, "test").value()}};
  Front front(TlsContexts::make(std::move(options)).value(), limit(40));
  const ContextPtr context = client_context();
  crowd_is_served(front, context.get());
}

TEST(ConnectionRoom, TheConnectionIdleLongestMakesRoom) {
  Front front(nullptr, limit(2));
  const Fd first = front.connect();
  ask(front, first, get());
  front.clock.advance(1ms);
  const Fd second = front.connect();
  ask(front, second, get());
  front.clock.advance(ConnectionList::kQuiet);
  const Fd third = front.connect();
  EXPECT_THAT(ask(front, third, get()), EndsWith("hello"));
  EXPECT_TRUE(ended(first));
  EXPECT_FALSE(ended(second));
  EXPECT_EQ(front.open(), 2U);
  EXPECT_EQ(front.counters.evicted_idle.value(), 1U);
  EXPECT_EQ(front.counters.evicted_unfinished.value(), 0U);
}

// The case of a worker that has much to do: the request lies in the kernel when another client comes.
TEST(ConnectionRoom, AConnectionWithARequestUnreadStays) {
  Front front(nullptr, limit(1));
  Fd first = front.connect();
  front.until([&] { return front.open() == 1; });
  front.clock.advance(10s);
  const Fd second = front.connect();
  send(first, get());
  send(second, get());
  EXPECT_THAT(ask(front, first, ""), EndsWith("hello"));
  EXPECT_EQ(front.counters.evicted_idle.value(), 0U);
  first.reset();
  EXPECT_THAT(ask(front, second, ""), EndsWith("hello"));
}

TEST(ConnectionRoom, AClientThatWasJustLetInIsGivenTheTimeToAsk) {
  Front front(nullptr, limit(1));
  const Fd first = front.connect();
  front.until([&] { return front.open() == 1; });
  const Fd second = front.connect();
  turns(front);
  EXPECT_FALSE(ended(first));
  EXPECT_THAT(ask(front, first, get()), EndsWith("hello"));
}

TEST(ConnectionRoom, AHeadThatDoesNotEndGoesOnlyWhereNobodyIsIdle) {
  Front front(nullptr, limit(2));
  const Fd slow = front.connect();
  send(slow, "GET / HTTP/1.1\r\nHost: a");
  front.until([&] { return front.open() == 1; });
  front.clock.advance(1s);
  const Fd idle = front.connect();
  ask(front, idle, get());
  front.clock.advance(ConnectionList::kHeadway);
  const Fd third = front.connect();
  EXPECT_THAT(ask(front, third, get()), EndsWith("hello"));
  EXPECT_TRUE(ended(idle));
  EXPECT_FALSE(ended(slow));
  const Fd fourth = front.connect();
  EXPECT_THAT(ask(front, fourth, get()), EndsWith("hello"));
  EXPECT_TRUE(ended(slow));
  EXPECT_FALSE(ended(third));
  EXPECT_EQ(front.counters.evicted_unfinished.value(), 1U);
}

TEST(ConnectionRoom, AHandshakeThatDoesNotEndGoesForOthers) {
  const PemPair pem = make_certificate();
  TlsOptions options{.certificates = {Certificate::parse(pem.certificate, pem.private_key, "test").value()}};
  Front front(TlsContexts::make(std::move(options)).value(), limit(1));
  const ContextPtr context = client_context();
  const Fd silent = front.connect();
  front.until([&] { return front.open() == 1; });
  OneOfTheCrowd client(front, context.get());
  front.clock.advance(ConnectionList::kHeadway);
  front.until([&] { return client.step(); });
  EXPECT_TRUE(ended(silent));
  EXPECT_EQ(front.counters.evicted_unfinished.value(), 1U);
}

TEST(ConnectionRoom, WithEverybodyServedNewClientsWaitWithoutASpin) {
  Front front(nullptr, limit(1));
  front.script = [](Exchange&) {};
  Fd busy = front.connect();
  send(busy, get());
  front.until([&] { return front.live.size() == 1; });
  front.clock.advance(1h);
  const Fd waiting = front.connect();
  send(waiting, get());
  turns(front);
  EXPECT_EQ(refused(front, ConnectionRefusal::kLimit), 1U);
  front.script = [](Exchange& exchange) { exchange.respond({.status = 200}, "hello"); };
  front.live[0]->respond({.status = 200}, "hello");
  EXPECT_THAT(ask(front, busy, ""), HasSubstr("Connection: close"));
  busy.reset();
  // No clock moves: the permit that comes back is what wakes the listener.
  EXPECT_THAT(ask(front, waiting, ""), EndsWith("hello"));
}

TEST(ConnectionRoom, RefusalsAreToldOfOnceInTenSecondsWithTheirNumber) {
  ConnectionBudget budget(1);
  const MonotonicTime start(1h);
  EXPECT_EQ(budget.note_refusal(start), 1U);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(budget.note_refusal(start + i * 499ms), std::nullopt);
  EXPECT_EQ(budget.note_refusal(start + 10s), 21U);
  EXPECT_EQ(budget.note_refusal(start + 19s), std::nullopt);
  EXPECT_EQ(budget.note_refusal(start + 1h), 2U);
}

TEST(ConnectionRoom, TheBudgetWithLeastRoomIsTheOneThatRefuses) {
  const auto process = std::make_shared<ConnectionBudget>(0, std::make_shared<ClientTable>());
  const auto listener = std::make_shared<ConnectionBudget>(0, process);
  EXPECT_EQ(ConnectionBudget::tightest(listener), nullptr);
  process->set_limit(3, ConnectionLimit::kProcess);
  EXPECT_EQ(ConnectionBudget::tightest(listener), process);
  listener->set_limit(2, ConnectionLimit::kListener);
  EXPECT_EQ(ConnectionBudget::tightest(listener), listener);
  const auto other = std::make_shared<ConnectionBudget>(0, process);
  const ConnectionPermit first = ConnectionPermit::request(other);
  const ConnectionPermit second = ConnectionPermit::request(other);
  EXPECT_EQ(ConnectionBudget::tightest(listener), process);
  EXPECT_EQ(label(ConnectionBudget::tightest(listener)->source()), "limits.max_connections");
}

TEST(ConnectionRoom, OtherListenersOfTheProcessGiveWayToo) {
  const auto process = limit(1);
  Front crowded(nullptr, std::make_shared<ConnectionBudget>(0, process));
  Front empty(nullptr, std::make_shared<ConnectionBudget>(0, process));
  const Fd idle = crowded.connect();
  ask(crowded, idle, get());
  crowded.clock.advance(ConnectionList::kQuiet);
  const Fd client = empty.connect();
  send(client, get());
  empty.until([&] {
    crowded.loop.turn(kPoll);
    return !empty.ended.empty();
  });
  EXPECT_TRUE(ended(idle));
  EXPECT_EQ(crowded.counters.evicted_idle.value(), 1U);
  EXPECT_EQ(empty.counters.evicted_idle.value(), 0U);
}

TEST(ConnectionRoom, AListenerAtItsOwnLimitTakesNothingFromOthers) {
  const auto process = limit(0);
  Front other(nullptr, std::make_shared<ConnectionBudget>(0, process));
  Front narrow(nullptr, std::make_shared<ConnectionBudget>(1, process));
  const Fd idle = other.connect();
  ask(other, idle, get());
  narrow.script = [](Exchange&) {};
  const Fd busy = narrow.connect();
  send(busy, get());
  narrow.until([&] { return narrow.live.size() == 1; });
  other.clock.advance(2s);
  const Fd waiting = narrow.connect();
  turns(narrow);
  turns(other);
  EXPECT_FALSE(ended(idle));
  EXPECT_THAT(ask(other, idle, get()), Not(HasSubstr("Connection: close")));
}

// Whom a search has passed over because it was served then is found again once it is idle.
TEST(ConnectionRoom, WhoWasServedDuringASearchIsFoundIdleLater) {
  Front front(nullptr, limit(2));
  front.script = [](Exchange&) {};
  std::vector<Fd> busy;
  for (std::size_t i = 0; i < 2; ++i) {
    busy.push_back(front.connect());
    send(busy.back(), get());
    front.until([&] { return front.live.size() == i + 1; });
  }
  front.clock.advance(1h);
  {
    const Fd waiting = front.connect();
    turns(front);
  }
  front.clock.advance(1s);
  turns(front);
  EXPECT_FALSE(ended(busy[0]));
  front.script = [](Exchange& exchange) { exchange.respond({.status = 200}, "hello"); };
  while (!front.live.empty()) front.live[0]->respond({.status = 200}, "hello"), front.settle();
  front.clock.advance(1h);
  const Fd next = front.connect();
  EXPECT_THAT(ask(front, next, get()), EndsWith("hello"));
}

TEST(ConnectionRoom, WithoutDescriptorsItRestsClosesWhoIsIdleAndRecovers) {
  if (!kDescriptorsMayRunOut) GTEST_SKIP() << "a sanitizer needs some itself";
  Front front(nullptr, limit(0));
  const Fd idle = front.connect();
  ask(front, idle, get());
  front.clock.advance(ConnectionList::kQuiet);
  const Fd client = front.connect();
  {
    const NoDescriptors none;
    turns(front);
  }
  EXPECT_EQ(refused(front, ConnectionRefusal::kDescriptors), 1U);
  EXPECT_EQ(front.counters.evicted_idle.value(), 1U);
  EXPECT_TRUE(ended(idle));
  front.clock.advance(101ms);
  EXPECT_THAT(ask(front, client, get()), EndsWith("hello"));
}

}  // namespace
}  // namespace gatehouse::testing_support
