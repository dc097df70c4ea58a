// Registrations come, serve, and go: by line, by the end of their connection, and with their reservation.
#include "proxy/discovery/registrations.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <deque>
#include <format>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/sockets.h"
#include "proxy/discovery/registration_line.h"
#include "proxy/discovery/registration_socket.h"
#include "tests/support/loop_testing.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using testing_support::LoopTest;
using testing_support::TemporaryFolder;

constexpr uid_t kOrders = 5001;
constexpr uid_t kReports = 5002;
constexpr gid_t kStaff = 6001;

Reservation reserved(const char* prefix, std::uint32_t owner, bool for_group = false) {
  return {.prefix = *UrlPrefix::parse(prefix), .for_group = for_group, .owner = owner, .owner_name = "owner"};
}

TEST(Reservations, TheLongestThatCoversAPrefixDecidesAlone) {
  const std::vector<Reservation> all = {reserved("https://a.example/", kOrders),
                                        reserved("https://a.example/reports/", kReports),
                                        reserved("https://+:443/x/", kOrders)};
  const auto owner = [&](const char* prefix) {
    const Reservation* found = reservation_of(all, *UrlPrefix::parse(prefix));
    return found == nullptr ? 0 : found->owner;
  };
  EXPECT_EQ(owner("https://a.example/"), kOrders);
  EXPECT_EQ(owner("https://a.example/reportsx/"), kOrders);
  EXPECT_EQ(owner("https://a.example/reports/"), kReports);
  EXPECT_EQ(owner("https://a.example/reports/2026/"), kReports);
  EXPECT_EQ(owner("https://+/x/y/"), kOrders);
  EXPECT_EQ(owner("https://b.example/x/"), 0U);
  EXPECT_EQ(owner("http://a.example/"), 0U);
}

TEST(Reservations, AGroupsMembersAreThoseOfTheProcess) {
  const Reservation group = reserved("https://a.example/", kStaff, true);
  EXPECT_TRUE(is_owner(group, {.user = kOrders, .groups = {1, kStaff}}));
  EXPECT_FALSE(is_owner(group, {.user = kStaff, .groups = {1}}));
  EXPECT_FALSE(is_owner(reserved("https://a.example/", kOrders), {.user = kStaff, .groups = {kOrders}}));
}

TEST(RegistrationLine, SaysWhatIsAskedFor) {
  using namespace registration_line;
  const auto registers = parse_registration_line("register https://A.example/x/ 127.0.0.1:5001");
  ASSERT_TRUE(registers);
  EXPECT_EQ(std::get<Register>(*registers).prefix.to_string(), "https://a.example/x/");
  EXPECT_EQ(std::get<Register>(*registers).target, "127.0.0.1:5001");
  EXPECT_EQ(std::get<Release>(*parse_registration_line("release https://a.example/x")).prefix.path, "/x");
  EXPECT_TRUE(std::holds_alternative<Drain>(*parse_registration_line("drain")));
  for (const char* line : {"", "register", "register https://a.example/", "register https://a.example 127.0.0.1:1",
                           "register  https://a.example/ 127.0.0.1:1", "register https://a.example/ 127.0.0.1:1 x",
                           "release https://a.example/ x", "drain x", "REGISTER https://a.example/ fd", "reload"}) {
    EXPECT_FALSE(parse_registration_line(line)) << line;
  }
}

class RegistrationsTest : public LoopTest {
 protected:
  // Every worker has taken over what was published.
  void adopted() {
    for (auto& done : std::exchange(publications, {})) done();
    turn();
  }
  static Registrant orders() { return {.user = kOrders, .groups = {100}, .pid = 7}; }
  Registrations::Id claim(const char* prefix) {
    EXPECT_TRUE(registrations.check(orders(), *UrlPrefix::parse(prefix)).has_value());
    return registrations.claim(
        orders(),
        {.prefix = *UrlPrefix::parse(prefix),
         .target = {.address = *Address::parse("127.0.0.1:5001"), .text = "127.0.0.1:5001", .listening_user = kOrders},
         .routed = [this] { log.push_back("routed"); },
         .revoked = [this](Registrations::Id) { log.push_back("revoked"); }});
  }
  std::string refusal(const Registrant& who, const char* prefix) {
    const auto checked = registrations.check(who, *UrlPrefix::parse(prefix));
    return checked ? "" : checked.error().message;
  }
  std::shared_ptr<Endpoint> endpoint() {
    return registrations.views().front().membership->set()->members.front().endpoint;
  }
  std::uint64_t events(const char* event) { return counts.registration_events[{"https://a.example/", event}]; }

  ControlMetrics counts;
  std::deque<std::move_only_function<void()>> publications;
  std::string route;
  Registrations registrations{loop,
                              counts,
                              {.publish = [this](auto done) { publications.push_back(std::move(done)); },
                               .taken_by_route = [this](const UrlPrefix&) { return route; }}};
};

TEST_F(RegistrationsTest, OneIsRoutedOnceEveryWorkerHasIt) {
  registrations.configure({reserved("https://a.example/", kOrders)});
  claim("https://a.example/x/");
  ASSERT_EQ(registrations.views().size(), 1U);
  EXPECT_EQ(registrations.views().front().reservation, "https://a.example/");
  EXPECT_EQ(endpoint()->name(), "owner#0");
  EXPECT_EQ(endpoint()->listening_user(), kOrders);
  turn();
  EXPECT_TRUE(log.empty());
  ASSERT_EQ(publications.size(), 1U);
  adopted();
  EXPECT_EQ(log, testing_support::Log{"routed"});
  EXPECT_EQ(events("registered"), 1U);
}

TEST_F(RegistrationsTest, WhatIsTakenReservedForOthersOrARoutesIsRefused) {
  registrations.configure({reserved("https://a.example/", kOrders), reserved("https://a.example/reports/", kReports)});
  const auto id = claim("https://a.example/x/");
  EXPECT_EQ(refusal(orders(), "https://a.example/x/"),
            "https://a.example/x/ is registered already, by process 7 of user 5001");
  EXPECT_EQ(refusal(orders(), "https://a.example/x/y/"), "");
  EXPECT_EQ(refusal({.user = kReports}, "https://a.example/x/"), "https://a.example/x/ is not reserved for user 5002");
  EXPECT_EQ(refusal(orders(), "https://a.example/reports/x/"),
            "https://a.example/reports/x/ is not reserved for user 5001");
  EXPECT_EQ(refusal(orders(), "https://+/x/"), "https://+/x/ is not reserved for user 5001");
  route = "a route has it";
  EXPECT_EQ(refusal(orders(), "https://a.example/z/"), "a route has it");
  EXPECT_EQ(events("refused"), 3U) << "what is not reserved at all, or for somebody else below it, counts elsewhere";
  route.clear();
  registrations.end(id);
  EXPECT_EQ(refusal(orders(), "https://a.example/x/"), "");
}

TEST_F(RegistrationsTest, AUserHasSoManyAndNoMore) {
  registrations.configure({reserved("https://a.example/", kOrders)});
  for (std::size_t i = 0; i < Registrations::kMostOfUser; ++i) claim(std::format("https://a.example/{}/", i).c_str());
  EXPECT_EQ(refusal(orders(), "https://a.example/x/"), "user 5001 has 256 registrations, and no more are allowed");
}

TEST_F(RegistrationsTest, ALostOneIsGoneAtOnce) {
  registrations.configure({reserved("https://a.example/", kOrders)});
  const auto id = claim("https://a.example/x/");
  turn();
  adopted();
  const auto lost = endpoint();
  registrations.end(id);
  EXPECT_TRUE(registrations.views().empty());
  EXPECT_TRUE(lost->has(Obstacle::kNotServing));
  turn();
  EXPECT_EQ(publications.size(), 1U);
  EXPECT_EQ(events("lost"), 1U);
}

TEST_F(RegistrationsTest, AReleasedOneEndsWhenNothingIsInFlightThere) {
  registrations.configure({reserved("https://a.example/", kOrders)});
  const auto id = claim("https://a.example/x/");
  turn();
  adopted();
  const auto leaving = endpoint();
  std::optional<Permit> permit = Permit::take(leaving, 0);
  registrations.release(id, [this] { log.push_back("idle"); });
  EXPECT_TRUE(registrations.views().empty());
  EXPECT_EQ(refusal(orders(), "https://a.example/x/"), "") << "another may come already";
  turn();
  // Workers that do not know it yet still send requests there.
  EXPECT_FALSE(leaving->has(Obstacle::kNotServing));
  adopted();
  EXPECT_TRUE(leaving->has(Obstacle::kNotServing));
  advance(std::chrono::seconds(1));
  EXPECT_EQ(log, testing_support::Log{"routed"});
  permit.reset();
  advance(std::chrono::milliseconds(10));
  EXPECT_EQ(log, (testing_support::Log{"routed", "idle"}));
  EXPECT_EQ(events("released"), 1U);
  EXPECT_EQ(events("lost"), 0U);
}

TEST_F(RegistrationsTest, ReloadsKeepWhatTheyStillAllow) {
  registrations.configure({reserved("https://a.example/", kOrders)});
  claim("https://a.example/x/");
  claim("https://a.example/y/");
  turn();
  adopted();
  log.clear();
  registrations.configure({reserved("https://a.example/", kOrders), reserved("https://b.example/", kReports)});
  EXPECT_EQ(registrations.views().size(), 2U);
  // Somebody else's below it: that one is gone.
  registrations.configure({reserved("https://a.example/", kOrders), reserved("https://a.example/y/", kReports)});
  ASSERT_EQ(registrations.views().size(), 1U);
  EXPECT_EQ(registrations.views().front().prefix.path, "/x");
  EXPECT_EQ(log, testing_support::Log{"revoked"});
  registrations.configure({});
  EXPECT_TRUE(registrations.views().empty());
  EXPECT_EQ(log, (testing_support::Log{"revoked", "revoked"}));
  EXPECT_EQ(events("revoked"), 2U);
}

// A process of ours on the socket; the owner of what is reserved is who runs the test.
class RegistrationSocketTest : public RegistrationsTest {
 protected:
  RegistrationSocketTest() {
    registrations.configure({reserved("https://a.example/", ::geteuid())});
    socket = *RegistrationSocket::open(loop, folder.path() / "r.sock", registrations);
  }
  Fd connected() {
    Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Address address = *Address::parse("unix:" + (folder.path() / "r.sock").string());
    EXPECT_EQ(::connect(client.get(), address.data(), address.length()), 0);
    turns();
    return client;
  }
  void turns() {
    for (int i = 0; i < 5; ++i) {
      turn();
      for (auto& done : std::exchange(publications, {})) done();
    }
  }
  static std::string heard(const Fd& client) {
    char bytes[4096];
    const ssize_t size = ::recv(client.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : size == 0 ? "<end>" : "";
  }
  std::string ask(const Fd& client, const std::string& text, int passed = -1) {
    std::string bytes = text;
    iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (passed >= 0) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(header), &passed, sizeof passed);
    }
    EXPECT_EQ(::sendmsg(client.get(), &message, MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    turns();
    return heard(client);
  }
  static Fd listening(const std::string& address) {
    return *sockets::listen(*Address::parse(address), {.reuse_port = false, .backlog = 4});
  }

  TemporaryFolder folder;
  std::unique_ptr<RegistrationSocket> socket;
  Fd app = listening("127.0.0.1:0");
  std::string port = Address::local_of(app.get()).to_string();
};

TEST_F(RegistrationSocketTest, LinesAreAnsweredOneByOne) {
  const Fd client = connected();
  EXPECT_EQ(ask(client, "register https://a.example/x/ " + port + "\nregister https://a.example/x/ " + port +
                            "\nrelease https://a.example/y/\nfrobnicate\nrelease https://a.example/x/\n"),
            "ok\nfailed https://a.example/x/ is registered already, by process " + std::to_string(::getpid()) +
                " of user " + std::to_string(::geteuid()) +
                "\nfailed this connection has not registered https://a.example/y/\n"
                "failed lines are: register PREFIX TARGET, release PREFIX, drain\nok\n");
  EXPECT_TRUE(registrations.views().empty());
  for (const char byte : "register https://a.example/z/ " + port) EXPECT_EQ(ask(client, {byte}), "");
  EXPECT_EQ(ask(client, "\n"), "ok\n");
}

TEST_F(RegistrationSocketTest, WhatAConnectionHasRegisteredEndsWithIt) {
  Fd client = connected();
  EXPECT_EQ(ask(client, "register https://a.example/x/ " + port + "\nregister https://a.example/y/ " + port + "\n"),
            "ok\nok\n");
  EXPECT_EQ(registrations.views().size(), 2U);
  const Fd other = connected();
  EXPECT_EQ(ask(other, "register https://a.example/z/ " + port + "\n"), "ok\n");
  client.reset();
  turns();
  ASSERT_EQ(registrations.views().size(), 1U);
  EXPECT_EQ(registrations.views().front().prefix.path, "/z");
  EXPECT_EQ(ask(other, "register https://a.example/x/ " + port + "\n"), "ok\n");
}

TEST_F(RegistrationSocketTest, DrainAnswersWhenNothingIsInFlight) {
  const Fd client = connected();
  EXPECT_EQ(ask(client, "register https://a.example/x/ " + port + "\n"), "ok\n");
  std::optional<Permit> permit = Permit::take(endpoint(), 0);
  EXPECT_EQ(ask(client, "drain\n"), "");
  EXPECT_TRUE(registrations.views().empty());
  permit.reset();
  advance(std::chrono::milliseconds(10));
  turns();
  EXPECT_EQ(heard(client), "ok\n");
}

TEST_F(RegistrationSocketTest, TargetsAreOnLoopbackAndTheUsersOwn) {
  const Fd client = connected();
  const auto refused = [&](const std::string& target, const std::string& why) {
    const std::string said = ask(client, "register https://a.example/x/ " + target + "\n");
    EXPECT_TRUE(said.starts_with("failed ") && said.contains(why)) << target << ": " << said;
  };
  refused("192.0.2.7:80", "no port of loopback");
  refused(":5001", "no port of loopback");
  refused("0.0.0.0:5001", "no port of loopback");
  refused("127.0.0.1:0", "no port of loopback");
  refused("unix:/run/app.sock", "pass it by SCM_RIGHTS");
  refused("shop.example:80", "");
  refused("fd", "no descriptor came");
  app.reset();
  refused(port, "nobody listens on " + port);
}

TEST_F(RegistrationSocketTest, SocketsThatArePassedAreTakenAsTheyAre) {
  const Fd client = connected();
  const auto registers = [&](int fd) {
    return ask(client, "register https://a.example/x/ fd\nrelease https://a.example/x/\n", fd);
  };
  EXPECT_EQ(registers(app.get()), "ok\nok\n");
  const std::string path = (folder.path() / "app.sock").string();
  const Fd by_path = listening("unix:" + path);
  const Fd file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  EXPECT_EQ(registers(file.get()), "ok\nok\n");
  EXPECT_TRUE(registers(by_path.get()).starts_with("failed it has a path"));
  const Fd everywhere = listening("0.0.0.0:0");
  EXPECT_EQ(registers(everywhere.get()), "ok\nok\n");
  EXPECT_TRUE(registers(client.get()).starts_with("failed what was passed is no stream socket that listens"));
  const Fd no_socket(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(registers(no_socket.get()).starts_with("failed what was passed is no socket"));
}

TEST_F(RegistrationSocketTest, TheOwnerHearsOfAReservationThatGoes) {
  const Fd client = connected();
  EXPECT_EQ(ask(client, "register https://a.example/x/ " + port + "\n"), "ok\n");
  registrations.configure({reserved("https://b.example/", ::geteuid())});
  turns();
  EXPECT_EQ(heard(client), "revoked https://a.example/x/\n");
  EXPECT_EQ(ask(client, "release https://a.example/x/\n"),
            "failed this connection has not registered https://a.example/x/\n");
}

TEST_F(RegistrationSocketTest, WhoHasNothingReservedIsToldSoAndLetGo) {
  registrations.configure({reserved("https://a.example/", ::geteuid() + 1)});
  const Fd client = connected();
  EXPECT_EQ(heard(client), "failed nothing is reserved for user " + std::to_string(::geteuid()) + "\n");
  EXPECT_EQ(heard(client), "<end>");
}

TEST_F(RegistrationSocketTest, NobodyKeepsItBusy) {
  const Fd silent = connected();
  const Fd babbler = connected();
  const Fd holder = connected();
  EXPECT_EQ(ask(holder, "register https://a.example/x/ " + port + "\n"), "ok\n");
  EXPECT_EQ(ask(babbler, std::string(9000, 'x')), "<end>");
  advance(std::chrono::seconds(31));
  EXPECT_EQ(heard(silent), "<end>");
  EXPECT_EQ(heard(holder), "");
  std::vector<Fd> many;
  for (std::size_t i = 1; i < RegistrationSocket::kMostOfUser; ++i) many.push_back(connected());
  const Fd beyond = connected();
  EXPECT_TRUE(heard(beyond).starts_with("failed there are too many connections of user"));
}

}  // namespace
}  // namespace gatehouse
