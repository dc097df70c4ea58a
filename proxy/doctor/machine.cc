#include "proxy/doctor/machine.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <format>
#include <fstream>
#include <iterator>
#include <utility>

#include "proxy/apps/process/cgroup.h"
#include "proxy/system/descriptors.h"

namespace gatehouse::doctor {
namespace {

constexpr std::uint64_t kComfortable = 4096;
constexpr std::uint64_t kRoomy = 65536;

Finding finding(Grade grade, std::string check, std::string message) {
  return {.grade = grade, .check = std::move(check), .message = std::move(message)};
}

std::string mebibytes(std::uint64_t bytes) {
  return bytes < 1024 * 1024 ? std::format("{} KiB", bytes / 1024) : std::format("{} MiB", bytes / 1024 / 1024);
}

}  // namespace

DescriptorFacts look_at_descriptors(const config::Config& config) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {.wanted = config.limits.max_connections};
  return {.soft = limit.rlim_cur, .hard = limit.rlim_max, .wanted = config.limits.max_connections};
}

Finding judge_descriptors(const DescriptorFacts& facts) {
  const std::uint64_t possible = descriptors::connections_within(facts.hard);
  const std::string carries =
      std::format("{} open files carry about {} connections of clients and {} to endpoints", facts.hard, possible,
                  descriptors::endpoint_connections_within(
                      facts.hard, std::min<std::uint64_t>(possible, facts.wanted == 0 ? possible : facts.wanted)));
  const auto fix = [](std::uint64_t files) {
    return std::format("LimitNOFILE={} in the systemd unit, or `ulimit -Hn {}` as root", files, files);
  };
  if (facts.wanted > possible) {
    const std::uint64_t files = std::max(kRoomy, facts.wanted * 2 + 1024);
    return finding(Grade::kProblem, "descriptors",
                   std::format("{}, but max_connections is {}; {}", carries, facts.wanted, fix(files)));
  }
  if (facts.hard < kComfortable) {
    return finding(Grade::kWarning, "descriptors", std::format("{}, which is little; {}", carries, fix(kRoomy)));
  }
  return finding(Grade::kOk, "descriptors", carries);
}

ClientFacts look_at_clients(const config::Config& config) {
  const std::uint64_t possible = descriptors::connections_within(look_at_descriptors(config).hard);
  const std::uint64_t wanted = config.limits.max_connections;
  return {.possible = wanted == 0 ? possible : std::min(wanted, possible),
          .per_client = config.limits.max_connections_per_client.value,
          .handshakes = config::format_rate(config.limits.max_handshakes_per_client.value)};
}

Finding judge_clients(const ClientFacts& facts) {
  if (facts.per_client == 0 || facts.per_client >= facts.possible) {
    return finding(Grade::kWarning, "clients",
                   std::format("one address may take all {} connections; max_connections_per_client = {} in [limits], "
                               "and proxies in front into trusted_proxies",
                               facts.possible, std::clamp<std::uint64_t>(facts.possible / 4, 1, 1000)));
  }
  return finding(Grade::kOk, "clients",
                 std::format("one address may have {} of {} connections, and begin handshakes at a rate of {}",
                             facts.per_client, facts.possible, facts.handshakes));
}

Findings judge_udp(const UdpFacts& facts) {
  if (!facts.made) {
    return {finding(Grade::kProblem, "udp", std::format("no socket for HTTP/3 can be made: {}", facts.error))};
  }
  Findings findings;
  const auto buffer = [&](std::string_view way, std::string_view key, std::uint64_t bytes, std::uint64_t limit) {
    const std::string have = std::format("{} buffers for HTTP/3 have {}", way, mebibytes(bytes));
    const std::string fix = std::format("`sysctl -w net.core.{}={}`", key, facts.wanted);
    if (bytes < facts.wanted) {
      findings.push_back(finding(Grade::kWarning, "udp",
                                 std::format("{} of the {} wanted, so that packets are lost in bursts; {}", have,
                                             mebibytes(facts.wanted), fix)));
    } else if (limit != 0 && limit < facts.wanted) {
      findings.push_back(finding(Grade::kOk, "udp",
                                 std::format("{}, as root; another user gets {} ({})", have, mebibytes(limit), fix)));
    } else {
      findings.push_back(finding(Grade::kOk, "udp", have));
    }
  };
  buffer("receive", "rmem_max", facts.receive, facts.receive_limit);
  buffer("send", "wmem_max", facts.send, facts.send_limit);
  const auto ability = [&](bool have, std::string_view name, std::string_view without) {
    findings.push_back(
        finding(have ? Grade::kOk : Grade::kWarning, "udp",
                have ? std::format("{} works", name) : std::format("{} does not work here: {}", name, without)));
  };
  ability(facts.gso, "GSO (many packets in one send)",
          "HTTP/3 costs more CPU when it sends; a kernel of 4.18 or later has it, some virtual machines do not");
  ability(facts.gro, "GRO (many packets in one receive)",
          "HTTP/3 costs more CPU when it receives; a kernel of 5.0 or later has it");
  ability(facts.steering, "steering of QUIC packets to workers (SO_ATTACH_REUSEPORT_CBPF)",
          "packets go round between workers; allow setsockopt in the container's seccomp profile");
  return findings;
}

Findings judge_ipv6(const Ipv6Facts& facts) {
  if (facts.available) return {finding(Grade::kOk, "ipv6", "IPv6 is there")};
  if (facts.wanted) {
    return {finding(Grade::kProblem, "ipv6",
                    "this machine has no IPv6, but a listener has an IPv6 address; `sysctl "
                    "net.ipv6.conf.all.disable_ipv6=0`, or change the listener's address")};
  }
  if (!facts.welcome) return {};
  return {finding(Grade::kWarning, "ipv6",
                  "this machine has no IPv6: listeners on all addresses take IPv4 alone; `sysctl "
                  "net.ipv6.conf.all.disable_ipv6=0` turns it on")};
}

CgroupFacts look_at_cgroups() {
  CgroupFacts facts{.mounted = cgroup_mount_point()};
  if (facts.mounted.empty()) return facts;
  facts.writable = ::access((facts.mounted + own_cgroup()).c_str(), W_OK) == 0;
  return facts;
}

Finding judge_cgroups(const CgroupFacts& facts) {
  if (facts.mounted.empty()) {
    return finding(Grade::kWarning, "cgroup",
                   "no control groups (v2) here: what an app leaves behind is found by its process group alone; boot "
                   "with systemd.unified_cgroup_hierarchy=1, or mount cgroup2 into the container");
  }
  if (!facts.writable) {
    return finding(Grade::kWarning, "cgroup",
                   "no control groups can be made by this user: what an app leaves behind is found by its process "
                   "group alone; Delegate=yes in the systemd unit");
  }
  return finding(Grade::kOk, "cgroup", "each instance of an app gets a control group");
}

ClockFacts look_at_clock() {
  struct stat status{};
  ClockFacts facts{.now = std::chrono::system_clock::now(), .installed = {}};
  if (::stat("/proc/self/exe", &status) == 0) {
    facts.installed = std::chrono::system_clock::from_time_t(status.st_mtim.tv_sec);
  }
  return facts;
}

Finding judge_clock(const ClockFacts& facts) {
  const auto now = std::chrono::floor<std::chrono::seconds>(facts.now);
  if (facts.now < facts.installed) {
    return finding(Grade::kProblem, "clock",
                   std::format("the clock says {:%Y-%m-%d %H:%M} UTC, which is before this program was installed; "
                               "`timedatectl set-ntp true`",
                               now));
  }
  return finding(Grade::kOk, "clock", std::format("the clock says {:%Y-%m-%d %H:%M} UTC", now));
}

Findings check_machine(const config::Config& config) {
  Findings findings;
  findings.push_back(judge_clock(look_at_clock()));
  findings.push_back(judge_descriptors(look_at_descriptors(config)));
  findings.push_back(judge_clients(look_at_clients(config)));
  std::ranges::move(judge_ipv6(look_at_ipv6(config)), std::back_inserter(findings));
  const bool quic = std::ranges::any_of(config.listeners, [](const auto& listener) { return listener.protocols.h3; });
  if (quic) std::ranges::move(judge_udp(look_at_udp()), std::back_inserter(findings));
  if (!config.apps.empty()) findings.push_back(judge_cgroups(look_at_cgroups()));
  return findings;
}

}  // namespace gatehouse::doctor
