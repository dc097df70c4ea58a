// Every judgement of `gatehouse doctor` on facts of both kinds, and the looks on what a test can make.
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/certificate_self_signed.h"
#include "common/sockets.h"
#include "proxy/doctor/app_files.h"
#include "proxy/doctor/certificates.h"
#include "proxy/doctor/endpoints.h"
#include "proxy/doctor/files.h"
#include "proxy/doctor/machine.h"
#include "proxy/doctor/ports.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace gatehouse::doctor {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing_support::make_certificate;
using testing_support::TemporaryFolder;

Address address(const std::string& text) {
  return *Address::parse(text);
}

TEST(DoctorPorts, WhatIsTakenIsJudgedByWhoHasIt) {
  using enum PortFacts::Transport;
  using enum PortFacts::Holder;
  const Address port = address("127.0.0.1:443");
  EXPECT_EQ(judge_port({.address = port}).grade, Grade::kOk);
  const Finding ours =
      judge_port({.address = port, .error = EADDRINUSE, .holder = kGatehouse, .holder_name = "gatehouse (process 1)"});
  EXPECT_EQ(ours.grade, Grade::kOk);
  EXPECT_EQ(ours.message, "TCP 127.0.0.1:443 is ours already: gatehouse (process 1)");
  const Finding other =
      judge_port({.address = port, .error = EADDRINUSE, .holder = kOther, .holder_name = "nginx (process 12)"});
  EXPECT_EQ(other.grade, Grade::kProblem);
  EXPECT_EQ(other.message,
            "TCP 127.0.0.1:443 is taken by nginx (process 12); stop that, or change the listener's address");
  EXPECT_THAT(judge_port({.address = port, .error = EADDRINUSE}).message, HasSubstr("ss -tlnp sport = :443"));
  const Finding udp = judge_port({.address = port, .transport = kUdp, .error = EADDRINUSE, .holder = kOther});
  EXPECT_EQ(udp.grade, Grade::kWarning);
  EXPECT_THAT(udp.message, HasSubstr("HTTP/3 would be off"));
}

TEST(DoctorPorts, RightsAndAddressesThatAreMissingSayWhatGivesThem) {
  const Address port = address("192.0.2.1:443");
  EXPECT_THAT(judge_port({.address = port, .error = EACCES}).message,
              HasSubstr("sysctl net.ipv4.ip_unprivileged_port_start=443"));
  EXPECT_THAT(judge_port({.address = port, .error = EADDRNOTAVAIL}).message, HasSubstr("no such address"));
}

TEST(DoctorPorts, ALookFindsWhoListensAndLeavesAFreePortFree) {
  auto taken = sockets::listen(address("127.0.0.1:0"));
  ASSERT_TRUE(taken);
  const Address here = Address::local_of(taken->get());
  const PortFacts facts = look_at_port(here, PortFacts::Transport::kTcp);
  EXPECT_EQ(facts.error, EADDRINUSE);
  EXPECT_THAT(facts.holder_name, HasSubstr("(process " + std::to_string(getpid()) + ")"));
  taken->reset();
  EXPECT_EQ(look_at_port(here, PortFacts::Transport::kTcp).error, 0);
  EXPECT_TRUE(sockets::listen(here));
}

TEST(DoctorPorts, SocketFilesAreInTheWayOnlyWhileSomebodyAnswers) {
  const TemporaryFolder folder;
  const Address path = address("unix:" + (folder.path() / "s").string());
  using enum PortFacts::Transport;
  EXPECT_EQ(look_at_port(path, kUnix).error, 0);
  auto socket = sockets::listen(path);
  ASSERT_TRUE(socket);
  EXPECT_EQ(look_at_port(path, kUnix).error, EADDRINUSE);
  socket->reset();
  EXPECT_EQ(look_at_port(path, kUnix).error, 0);  // stale
  folder.write("file", "");
  EXPECT_EQ(look_at_port(address("unix:" + (folder.path() / "file").string()), kUnix).error, EEXIST);
}

TEST(DoctorMachine, DescriptorsAreHeldAgainstTheConnectionsWanted) {
  EXPECT_EQ(judge_descriptors({.soft = 1024, .hard = 524288}).grade, Grade::kOk);
  EXPECT_EQ(judge_descriptors({.soft = 1024, .hard = 1024}).grade, Grade::kWarning);
  const Finding few = judge_descriptors({.soft = 1024, .hard = 4096, .wanted = 10000});
  EXPECT_EQ(few.grade, Grade::kProblem);
  EXPECT_EQ(few.message,
            "4096 open files carry about 2016 connections of clients and 1568 to endpoints, but max_connections is "
            "10000; LimitNOFILE=65536 in the "
            "systemd unit, or `ulimit -Hn 65536` as root");
}

TEST(DoctorMachine, OneClientMustNotBeAbleToTakeEveryConnection) {
  EXPECT_EQ(judge_clients({.possible = 2016, .per_client = 1000, .handshakes = "100/s"}).grade, Grade::kOk);
  EXPECT_EQ(judge_clients({.possible = 480, .per_client = 1000, .handshakes = "100/s"}).message,
            "one address may take all 480 connections; max_connections_per_client = 120 in [limits], and proxies in "
            "front into trusted_proxies");
  EXPECT_EQ(judge_clients({.possible = 2016, .per_client = 0, .handshakes = "off"}).grade, Grade::kWarning);
}

TEST(DoctorMachine, UdpBuffersAndAbilities) {
  const UdpFacts good{
      .receive = 4 << 20, .send = 4 << 20, .wanted = 4 << 20, .gso = true, .gro = true, .steering = true};
  for (const Finding& finding : judge_udp(good)) EXPECT_EQ(finding.grade, Grade::kOk) << finding.message;
  const UdpFacts poor{.receive = 212992, .send = 4 << 20, .wanted = 4 << 20};
  const Findings findings = judge_udp(poor);
  ASSERT_EQ(findings.size(), 5U);
  EXPECT_EQ(findings[0].message,
            "receive buffers for HTTP/3 have 208 KiB of the 4 MiB wanted, so that packets are lost in bursts; `sysctl "
            "-w net.core.rmem_max=4194304`");
  EXPECT_EQ(findings[1].grade, Grade::kOk);
  for (std::size_t i = 2; i < 5; ++i) EXPECT_EQ(findings[i].grade, Grade::kWarning);
  UdpFacts by_right = good;
  by_right.receive_limit = 212992;
  by_right.send_limit = 8 << 20;
  const Findings as_root = judge_udp(by_right);
  EXPECT_EQ(as_root[0].message,
            "receive buffers for HTTP/3 have 4 MiB, as root; another user gets 208 KiB (`sysctl -w "
            "net.core.rmem_max=4194304`)");
  EXPECT_EQ(as_root[1].message, "send buffers for HTTP/3 have 4 MiB");
  EXPECT_EQ(judge_udp({.made = false, .error = "no"}).front().grade, Grade::kProblem);
}

TEST(DoctorMachine, TheProbeOfUdpUsesARealSocket) {
  const UdpFacts facts = look_at_udp();
  EXPECT_TRUE(facts.made) << facts.error;
  EXPECT_GT(facts.receive, 0U);
  EXPECT_GT(facts.send, 0U);
}

TEST(DoctorMachine, Ipv6ClockAndControlGroups) {
  EXPECT_EQ(judge_ipv6({.available = true}).front().grade, Grade::kOk);
  EXPECT_EQ(judge_ipv6({.available = false, .wanted = true}).front().grade, Grade::kProblem);
  EXPECT_EQ(judge_ipv6({.available = false, .welcome = true}).front().grade, Grade::kWarning);
  EXPECT_TRUE(judge_ipv6({.available = false}).empty());
  const WallTime now = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);
  EXPECT_EQ(judge_clock({.now = now, .installed = now - 1h}).grade, Grade::kOk);
  const Finding early = judge_clock({.now = now, .installed = now + 1h});
  EXPECT_EQ(early.grade, Grade::kProblem);
  EXPECT_THAT(early.message, HasSubstr("2026-06-01 00:00 UTC"));
  EXPECT_EQ(judge_cgroups({.mounted = "/sys/fs/cgroup", .writable = true}).grade, Grade::kOk);
  EXPECT_THAT(judge_cgroups({.mounted = "/sys/fs/cgroup"}).message, HasSubstr("Delegate=yes"));
  EXPECT_THAT(judge_cgroups({}).message, HasSubstr("no control groups"));
}

TEST(DoctorCertificates, TheWorstIsSaid) {
  const WallTime now = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);
  const CertificateFacts good{.certificate = "c.pem",
                              .private_key = "k.pem",
                              .names = {"a", "b", "c", "d"},
                              .not_before = now - 24h,
                              .not_after = now + 24h * 60,
                              .renewal_due = now + 24h * 46};
  EXPECT_EQ(judge_certificate(good, now),
            (Finding{Grade::kOk, "certificate", "c.pem is for a, b, c and 1 more, until 2026-07-31"}));
  const auto judged = [&](auto&& change) {
    CertificateFacts facts = good;
    change(facts);
    const Finding finding = judge_certificate(facts, now);
    return std::string(word(finding.grade)) + ": " + finding.message;
  };
  EXPECT_THAT(judged([&](auto& facts) { facts.not_after = now - 24h; }),
              HasSubstr("problem: c.pem expired on 2026-05-31"));
  EXPECT_THAT(judged([&](auto& facts) {
                facts.renewal_due = now - 24h;
                facts.not_after = now + 24h;
              }),
              HasSubstr("warning: c.pem expires on 2026-06-02"));
  EXPECT_THAT(judged([&](auto& facts) { facts.not_before = now + 24h; }), HasSubstr("problem: c.pem is valid from"));
  EXPECT_THAT(judged([&](auto& facts) { facts.key_is_open = true; }), HasSubstr("`chmod 600 k.pem`"));
  EXPECT_THAT(judged([&](auto& facts) { facts.chain_complete = false; }), HasSubstr("warning: c.pem lacks"));
  EXPECT_THAT(judged([&](auto& facts) { facts.error = "cannot open c.pem"; }), HasSubstr("problem: cannot open c.pem"));
}

TEST(DoctorCertificates, TheOneThatGatehouseMakesForItselfIsComplete) {
  const TemporaryFolder folder;
  const auto files = self_signed::ensure(folder.path());
  ASSERT_TRUE(files);
  CertificateStore store;
  EXPECT_TRUE(look_at_certificate({.certificate = files->certificate, .private_key = files->private_key}, store)
                  .chain_complete);
}

TEST(DoctorCertificates, ALookReadsTheFiles) {
  const TemporaryFolder folder;
  const auto pem = make_certificate({.names = {"shop.example"}});
  const std::string certificate = folder.write("c.pem", pem.certificate);
  const std::string key = folder.write("k.pem", pem.private_key);
  CertificateStore store;
  const CertificateFacts facts = look_at_certificate({.certificate = certificate, .private_key = key}, store);
  EXPECT_EQ(facts.error, "");
  EXPECT_TRUE(facts.chain_complete);
  EXPECT_FALSE(facts.key_is_open);
  EXPECT_THAT(facts.names, testing::ElementsAre("shop.example"));
  EXPECT_LE(facts.not_before, std::chrono::system_clock::now());
  const std::string twice = folder.write("twice.pem", make_certificate({.names = {"other.example"}}).certificate);
  const std::string both = folder.write("both.pem", pem.certificate + testing_support::contents_of(twice));
  EXPECT_FALSE(look_at_certificate({.certificate = both, .private_key = key}, store).chain_complete);
  EXPECT_THAT(look_at_certificate({.certificate = twice, .private_key = key}, store).error,
              HasSubstr("does not belong"));
}

TEST(DoctorEndpoints, OneThatRefusesIsAProblemUnlessAnotherAnswers) {
  auto open = sockets::listen(address("127.0.0.1:0"));
  auto closed = sockets::listen(address("127.0.0.1:0"));
  ASSERT_TRUE(open && closed);
  const Address alive = Address::local_of(open->get());
  const Address dead = Address::local_of(closed->get());
  closed->reset();
  config::Config config;
  config.upstreams.push_back({.name = "both", .endpoints = {{.at = alive}, {.at = dead}}});
  config.upstreams.push_back({.name = "none", .endpoints = {{.at = dead}}});
  const Findings findings = judge_endpoints(look_at_endpoints(config, {.timeout = 5s, .resolver = {}}));
  ASSERT_EQ(findings.size(), 3U);
  EXPECT_EQ(findings[0], (Finding{Grade::kOk, "endpoint", alive.to_string() + " of both accepts connections"}));
  EXPECT_EQ(findings[1].grade, Grade::kWarning);
  EXPECT_EQ(findings[2].grade, Grade::kProblem);
  EXPECT_EQ(findings[2].message, dead.to_string() +
                                     " of none: it refuses connections; start what should listen there, or change its "
                                     "address");
}

TEST(DoctorEndpoints, NamesThatCannotBeResolvedAreJudgedAsSuch) {
  const Findings findings = judge_endpoints({{.upstream = "shop",
                                              .endpoint = "shop.internal:80",
                                              .name = "shop.internal:80",
                                              .error = "cannot resolve shop.internal: Domain name not found",
                                              .unresolved = true}});
  EXPECT_EQ(
      findings[0].message,
      "shop.internal:80 of shop: cannot resolve shop.internal: Domain name not found; `getent hosts shop.internal` "
      "asks again, by /etc/resolv.conf");
}

TEST(DoctorFiles, PlacesAreWritableOrSayWhatIsInTheWay) {
  const TemporaryFolder folder;
  const std::string file = folder.write("log", "");
  EXPECT_EQ(judge_path(look_at_file("the log", file)).grade, Grade::kOk);
  EXPECT_EQ(judge_path(look_at_file("the log", (folder.path() / "new").string())).grade, Grade::kOk);
  const Finding missing = judge_path(look_at_file("the log", (folder.path() / "no/log").string()));
  EXPECT_EQ(missing.grade, Grade::kProblem);
  EXPECT_THAT(missing.message, HasSubstr("`mkdir -p " + (folder.path() / "no").string() + "`"));
  EXPECT_EQ(look_at_file("the log", folder.path().string()).error, EISDIR);
  EXPECT_EQ(judge_path(look_at_folder("the state", (folder.path() / "a/b/c").string())).grade, Grade::kOk);
  EXPECT_EQ(look_at_folder("the state", file + "/x").error, ENOTDIR);
}

TEST(DoctorApps, AnEnvironmentFileIsReadAsTheAppsUserWillReadIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  const std::string file = folder.write("web.env", "A=1\n");
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  config::Config config;
  config.apps.push_back({.name = "web", .environment_file = file, .user = "nobody"});
  const auto found = check_app_files(config);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].severity, config::Severity::kError);
  EXPECT_EQ(found[0].message, "the app \"web\" cannot start: the environment file: cannot open " + file +
                                  " (as the user nobody): Permission denied");
  ASSERT_EQ(::chown(file.c_str(), 65534, 65534), 0);
  EXPECT_TRUE(check_app_files(config).empty());
  folder.write("web.env", "no variable\n");
  EXPECT_THAT(check_app_files(config)[0].message, HasSubstr("line 1 is not NAME=value"));
  config.apps[0].environment_file = file + ".none";  // for config::validate_apps() to say
  EXPECT_TRUE(check_app_files(config).empty());
}

TEST(DoctorFindings, AreShownOneALineAndCounted) {
  const Findings findings = {{Grade::kOk, "port", "free"}, {Grade::kProblem, "endpoint", "gone; start it"}};
  EXPECT_EQ(to_text(findings),
            "ok       port          free\nproblem  endpoint      gone; start it\n\n1 problem, 0 warnings, 1 ok\n");
  EXPECT_THAT(to_json(findings), HasSubstr("\"problems\": 1"));
  EXPECT_TRUE(has_problems(findings));
}

}  // namespace
}  // namespace gatehouse::doctor
