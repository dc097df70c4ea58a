// Names as endpoints, asked of a DNS server on loopback that answers as each test says; the clock of the loop, and with
// it every TTL, is moved by the test.
#include "proxy/discovery/resolver.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <format>
#include <fstream>
#include <optional>

#include <gtest/gtest.h>

#include "common/timer.h"
#include "proxy/discovery/resolver_records.h"
#include "tests/support/dns_server.h"
#include "tests/support/loop_testing.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

class ResolverTest : public LoopTest {
 protected:
  using Watch = Resolver::Watch;

  std::unique_ptr<Watch> watch(const std::string& name, std::uint16_t port = 80) {
    return resolver.watch({.name = name, .port = port}, [this](const Resolver::Resolution& resolution) {
      std::string text = resolution.error.empty() ? "" : "error";
      for (const ResolvedAddress& one : resolution.addresses) {
        if (!text.empty()) text += ' ';
        text += one.address.to_string();
        if (one.weight != 1) text += '*' + std::to_string(one.weight);
      }
      log.push_back(text);
    });
  }
  // Turns and serves until `done`; the answers come from this very thread, so they are there at once or never.
  template <class Done>
  void turn_until(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << "what the test waits for did not happen";
        return;
      }
      server.serve();
      turn();
    }
  }
  void told(std::size_t times) {
    turn_until([&] { return log.size() >= times; });
    EXPECT_EQ(log.size(), times);
  }
  // Until the server has been asked that often, and the answer has had its consequences.
  void asked(const std::string& name, std::size_t times, std::uint16_t type = kTypeAaaa) {
    turn_until([&] { return server.asked(name, type) >= times; });
    for (int i = 0; i < 8; ++i) {
      server.serve();
      turn();
    }
    EXPECT_EQ(server.asked(name, type), times);
  }
  void later(Duration by) { advance(by); }

  DnsServer server;
  Resolver resolver{loop, {.servers = server.address(), .timeout = 1s}};
};

TEST_F(ResolverTest, AddressesOfBothFamiliesComeSortedWithThePort) {
  server.set_hosts("shop.test", {"127.0.0.2", "::2", "127.0.0.1"});
  const auto kept = watch("shop.test", 8080);
  EXPECT_TRUE(log.empty());
  told(1);
  EXPECT_EQ(log, (Log{"127.0.0.1:8080 127.0.0.2:8080 [::2]:8080"}));
  EXPECT_EQ(kept->resolution().addresses.size(), 3U);
  EXPECT_EQ(kept->resolution().error, "");
}

TEST_F(ResolverTest, OneFamilyIsEnough) {
  server.set_hosts("four.test", {"127.0.0.1"});
  server.set("six.test", kTypeA, {.rows = {}, .code = DnsServer::Code::kBroken});
  server.set("six.test", kTypeAaaa, {.rows = {row_a("six.test", "::1")}});
  const auto four = watch("four.test");
  told(1);
  const auto six = watch("six.test");
  told(2);
  EXPECT_EQ(log, (Log{"127.0.0.1:80", "[::1]:80"}));
}

TEST_F(ResolverTest, AsksAgainWhenTheTtlIsOverAndTellsOnlyOfChanges) {
  server.set_hosts("shop.test", {"127.0.0.1"}, 5);
  const auto kept = watch("shop.test");
  told(1);
  later(4900ms);
  asked("shop.test", 1);
  later(200ms);
  asked("shop.test", 2);
  EXPECT_EQ(log.size(), 1U);
  server.set_hosts("shop.test", {"127.0.0.3"}, 5);
  later(5s);
  told(2);
  EXPECT_EQ(log.back(), "127.0.0.3:80");
}

TEST_F(ResolverTest, TheTtlOfAnAnswerIsTheLeastOfItsRecordsWithinBounds) {
  server.set("shop.test", kTypeA, {.rows = {row_a("shop.test", "127.0.0.1", 0)}});
  const auto zero = watch("shop.test");
  told(1);
  later(900ms);
  asked("shop.test", 1);
  later(200ms);
  asked("shop.test", 2);

  server.set_hosts("long.test", {"127.0.0.1", "::1"}, 86400);
  const auto day = watch("long.test");
  told(2);
  later(299s);
  asked("long.test", 1);
  later(2s);
  asked("long.test", 2);

  const std::vector<DnsRow> chain = {row_cname("alias.test", "shop.test", 7), row_a("shop.test", "127.0.0.1", 60)};
  server.set("alias.test", kTypeA, {.rows = chain});
  const auto alias = watch("alias.test");
  told(3);
  later(8s);
  asked("alias.test", 2);
}

TEST_F(ResolverTest, ErrorsKeepTheLastAnswerAndAreRetriedEverMoreSlowly) {
  server.set_hosts("shop.test", {"127.0.0.1"}, 5);
  const auto kept = watch("shop.test");
  told(1);
  server.break_everything(DnsServer::Code::kNoSuchName);
  later(5s);
  told(2);
  EXPECT_EQ(log.back(), "error 127.0.0.1:80");
  EXPECT_EQ(kept->resolution().error, "cannot resolve shop.test: Domain name not found");
  EXPECT_EQ(kept->resolution().addresses.size(), 1U);

  std::size_t attempts = server.asked("shop.test", kTypeAaaa);
  for (const auto wait : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    later(wait - 100ms);
    asked("shop.test", attempts);
    later(100ms);
    asked("shop.test", ++attempts);
  }
  EXPECT_EQ(log.size(), 2U);  // the error is the same

  server.mend();
  later(30s);
  told(3);
  EXPECT_EQ(log.back(), "127.0.0.1:80");
  server.break_everything(DnsServer::Code::kNoSuchName);
  later(5s);
  told(4);
  attempts = server.asked("shop.test", kTypeAaaa);
  later(1s);  // and quickly again at first
  asked("shop.test", attempts + 1);
}

TEST_F(ResolverTest, AServerThatFailsIsAnErrorAndNoAnswer) {
  server.break_everything(DnsServer::Code::kBroken);
  const auto kept = watch("shop.test");
  told(1);
  EXPECT_EQ(log.back(), "error");
  server.mend();
  server.set_hosts("shop.test", {"127.0.0.1"});
  later(1s);
  told(2);
  EXPECT_EQ(log.back(), "127.0.0.1:80");
}

TEST_F(ResolverTest, AnAnswerThatDoesNotFitIsFetchedOverTcp) {
  std::vector<std::string> many;
  for (int i = 1; i <= 200; ++i) many.push_back("127.0.0." + std::to_string(i));
  server.set_hosts("many.test", many);
  DnsServer::Reply reply;
  for (const std::string& one : many) reply.rows.push_back(row_a("many.test", one));
  reply.truncated = true;
  server.set("many.test", kTypeA, reply);
  const auto kept = watch("many.test");
  told(1);
  EXPECT_EQ(server.asked_over_tcp(), 1U);
  EXPECT_EQ(kept->resolution().addresses.size(), 200U);
}

TEST_F(ResolverTest, OfAThousandAddressesAlwaysTheSame256AreUsed) {
  DnsServer::Reply reply;
  for (int i = 0; i < 1000; ++i)
    reply.rows.push_back(row_a("many.test", std::format("127.0.{}.{}", i / 250, i % 250 + 1), 5));
  reply.truncated = true;
  server.set("many.test", kTypeA, reply);
  const auto kept = watch("many.test");
  told(1);
  EXPECT_EQ(kept->resolution().addresses.size(), 256U);
  std::ranges::reverse(reply.rows);
  server.set("many.test", kTypeA, reply);
  later(5s);
  asked("many.test", 2);
  EXPECT_EQ(log.size(), 1U);
}

TEST_F(ResolverTest, AForgedAnswerWithAnotherIdIsIgnored) {
  server.set("shop.test", kTypeA, {.rows = {row_a("shop.test", "127.0.0.1")}, .forged = true});
  const auto kept = watch("shop.test");
  told(1);
  EXPECT_EQ(log.back(), "127.0.0.1:80");
}

TEST_F(ResolverTest, AliasesAreFollowedAndACircleOfThemIsAnError) {
  server.set("alias.test", kTypeA, {.rows = {row_cname("alias.test", "shop.test"), row_a("shop.test", "127.0.0.9")}});
  const auto alias = watch("alias.test");
  told(1);
  const DnsServer::Reply circle{.rows = {row_cname("a.test", "b.test"), row_cname("b.test", "a.test")}};
  server.set("a.test", kTypeA, circle);
  server.set("a.test", kTypeAaaa, circle);
  const auto lost = watch("a.test");
  told(2);
  EXPECT_EQ(log, (Log{"127.0.0.9:80", "error"}));
}

TEST_F(ResolverTest, ServicesComeWithPortsAndWeightsOfTheLowestPriority) {
  server.set("_http._tcp.shop.test", kTypeSrv,
             {.rows = {row_srv("_http._tcp.shop.test", {10, 3, 8001, "one.test"}),
                       row_srv("_http._tcp.shop.test", {10, 0, 8002, "two.test"}),
                       row_srv("_http._tcp.shop.test", {20, 9, 8003, "spare.test"})}});
  server.set_hosts("one.test", {"127.0.0.1", "::1"});
  server.set_hosts("two.test", {"127.0.0.2"});
  const auto kept = watch("_http._tcp.shop.test", 0);
  told(1);
  EXPECT_EQ(log.back(), "127.0.0.1:8001*3 127.0.0.2:8002 [::1]:8001*3");
  EXPECT_EQ(server.asked("spare.test", kTypeA), 0U);
}

TEST_F(ResolverTest, AServiceTargetThatIsGoneIsLeftOutAndOneThatFailsKeepsTheAnswer) {
  const std::string name = "_http._tcp.shop.test";
  server.set(name, kTypeSrv,
             {.rows = {row_srv(name, {0, 1, 1, "one.test"}, 5), row_srv(name, {0, 1, 2, "two.test"}, 5)}});
  server.set_hosts("one.test", {"127.0.0.1"});
  server.set_hosts("two.test", {"127.0.0.2"});
  const auto kept = watch(name, 0);
  told(1);
  EXPECT_EQ(log.back(), "127.0.0.1:1 127.0.0.2:2");

  server.set("two.test", kTypeA, {.rows = {}, .code = DnsServer::Code::kBroken});
  server.set("two.test", kTypeAaaa, {.rows = {}, .code = DnsServer::Code::kBroken});
  later(5s);
  told(2);
  EXPECT_EQ(log.back(), "error 127.0.0.1:1 127.0.0.2:2");

  server.set_hosts("two.test", {});
  later(1s);
  told(3);
  EXPECT_EQ(log.back(), "127.0.0.1:1");

  server.set(name, kTypeSrv, {.rows = {row_srv(name, {0, 0, 0, ""}, 5)}});  // decidedly not available
  later(5s);
  told(4);
  EXPECT_EQ(log.back(), "error 127.0.0.1:1");
}

TEST_F(ResolverTest, LocalhostAndAddressesNeedNoServer) {
  const auto local = watch("localhost");
  told(1);
  EXPECT_NE(log.back().find("127.0.0.1:80"), std::string::npos) << log.back();
  const auto literal = watch("127.0.0.7");
  told(2);
  EXPECT_EQ(log.back(), "127.0.0.7:80");
  EXPECT_EQ(server.asked("localhost", kTypeA), 0U);
}

TEST_F(ResolverTest, AWatchMayEndWhileItsNameIsAskedForAndWithinItsCall) {
  server.set_hosts("shop.test", {"127.0.0.1"});
  auto gone = watch("shop.test");
  turn();
  gone.reset();
  asked("shop.test", 1);
  EXPECT_TRUE(log.empty());

  std::unique_ptr<Watch> once;
  int calls = 0;
  once = resolver.watch({.name = "shop.test", .port = 1}, [&](const Resolver::Resolution& resolution) {
    ++calls;
    once.reset();
    EXPECT_EQ(resolution.addresses.size(), 1U);
  });
  turn_until([&] { return calls == 1; });
}

TEST_F(ResolverTest, AWatchOutlivesTheResolver) {
  server.set_hosts("shop.test", {"127.0.0.1"}, 5);
  std::optional<Resolver> brief(std::in_place, loop, Resolver::Options{.servers = server.address()});
  const auto kept = brief->watch({.name = "shop.test", .port = 1},
                                 [&](const Resolver::Resolution& resolution) { log.push_back(resolution.error); });
  brief.reset();
  told(1);
  EXPECT_EQ(log.back(), "");
}

TEST_F(ResolverTest, ServersThatCannotBeReadAreAnErrorOfEveryName) {
  Resolver lost(loop, {.servers = "not a server"});
  const auto kept = lost.watch({.name = "shop.test", .port = 1},
                               [&](const Resolver::Resolution& resolution) { log.push_back(resolution.error); });
  told(1);
  EXPECT_TRUE(log.back().starts_with("cannot resolve shop.test: ")) << log.back();
}

TEST_F(ResolverTest, ServersAreThoseOfTheMachinesConfigurationAlsoAfterItHasChanged) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "resolv.conf";
  const auto configure = [&](const DnsServer& used, std::filesystem::file_time_type time) {
    std::ofstream(path) << "search inner.test\nnameserver " << used.address() << "\n";
    std::filesystem::last_write_time(path, time);
  };
  const auto now = std::filesystem::file_time_type::clock::now();
  DnsServer other;
  server.set_hosts("shop.inner.test", {"127.0.0.1"}, 5);
  other.set_hosts("shop.inner.test", {"127.0.0.2"}, 5);
  configure(server, now);
  Resolver machine(loop, {.configuration = path.string()});
  const auto kept = machine.watch({.name = "shop", .port = 1}, [&](const Resolver::Resolution& resolution) {
    log.push_back(resolution.addresses.empty() ? resolution.error : resolution.addresses.front().address.to_string());
  });
  told(1);
  configure(other, now + 1s);
  advance(5s);
  turn_until([&] {
    other.serve();
    return log.size() == 2;
  });
  EXPECT_EQ(log, (Log{"127.0.0.1:1", "127.0.0.2:1"}));
}

// By real time, which c-ares goes by: short.
TEST(ResolverWaitingTest, NoAnswerIsAnErrorInTheEndAndTheLoopGoesOnMeanwhile) {
  EventLoop loop;
  DnsServer silent;
  Resolver resolver(loop, {.servers = silent.address(), .timeout = 60ms, .tries = 2});
  std::string error;
  int ticks = 0;
  Timer tick(loop, [&] {
    ++ticks;
    tick.arm(5ms);
  });
  tick.arm(5ms);
  const auto kept = resolver.watch({.name = "shop.test", .port = 1}, [&](const Resolver::Resolution& resolution) {
    error = resolution.error;
    loop.stop();
  });
  Timer too_long(loop, [&] { loop.stop(); });
  too_long.arm(10s);
  loop.run();
  EXPECT_TRUE(error.starts_with("cannot resolve shop.test: ")) << error;
  EXPECT_GE(ticks, 5);
}

TEST(ResolverRecordsTest, WeightsKeepTheirProportionsWithinBounds) {
  const auto services = dns::chosen({{.target = "a", .port = 1, .priority = 1, .weight = 65535},
                                     {.target = "b", .port = 1, .priority = 1, .weight = 6554},
                                     {.target = "c", .port = 1, .priority = 1, .weight = 0},
                                     {.target = "d", .port = 1, .priority = 2, .weight = 5}});
  ASSERT_EQ(services.size(), 3U);
  EXPECT_EQ(services[0].weight, 1000);
  EXPECT_EQ(services[1].weight, 100);
  EXPECT_EQ(services[2].weight, 1);
  EXPECT_TRUE(dns::chosen({}).empty());
}

TEST(ResolverRecordsTest, AnAddressThatComesTwiceCountsOnceWithItsGreatestWeight) {
  const Address address = Address::parse("127.0.0.1:80").value();
  const auto addresses = dns::in_order({{address, 1}, {address, 7}, {address, 3}});
  ASSERT_EQ(addresses.size(), 1U);
  EXPECT_EQ(addresses[0].weight, 7U);
}

}  // namespace
}  // namespace gatehouse
