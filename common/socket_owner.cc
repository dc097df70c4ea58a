#include "common/socket_owner.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "common/fd.h"

namespace gatehouse::socket_owner {

namespace {

// States of TCP as the kernel numbers them.
constexpr std::uint8_t kEstablished = 1;
constexpr std::uint8_t kSynReceived = 3;
constexpr std::uint8_t kListen = 10;

struct Socket {
  uid_t user = 0;
  // 0: no process has it.
  std::uint32_t inode = 0;
  std::uint8_t state = 0;

  // Nobody has accepted it yet. One that was accepted and closed is in no such state, though no process has it either.
  bool waits() const { return inode == 0 && (state == kEstablished || state == kSynReceived); }
};

std::uint16_t put(const Address& address, __be32 (&words)[4]) {
  if (address.family() == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address.data(), sizeof v4);
    words[0] = v4.sin_addr.s_addr;
    return v4.sin_port;
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, address.data(), sizeof v6);
  std::memcpy(&words, &v6.sin6_addr, sizeof words);
  return v6.sin6_port;
}

// The kernel answers while the question is sent, so that there is nothing to wait for.
class Questions {
 public:
  Questions() : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG)) {}

  // The socket that has what comes to `here`, from `from` if it is given.
  std::optional<Socket> ask(const Address& here, const Address* from) const {
    struct {
      nlmsghdr header{.nlmsg_len = sizeof(nlmsghdr) + sizeof(inet_diag_req_v2),
                      .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                      .nlmsg_flags = NLM_F_REQUEST,
                      .nlmsg_seq = 0,
                      .nlmsg_pid = 0};
      inet_diag_req_v2 question{};
    } request;
    request.question.sdiag_family = static_cast<std::uint8_t>(here.family());
    request.question.sdiag_protocol = IPPROTO_TCP;
    request.question.idiag_states = ~0U;
    request.question.id.idiag_sport = put(here, request.question.id.idiag_src);
    if (from != nullptr) request.question.id.idiag_dport = put(*from, request.question.id.idiag_dst);
    request.question.id.idiag_cookie[0] = request.question.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    if (::send(socket_.get(), &request, sizeof request, 0) != sizeof request) return std::nullopt;
    return response();
  }

 private:
  std::optional<Socket> response() const {
    alignas(nlmsghdr) std::array<char, 4096> bytes{};
    const ssize_t size = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    nlmsghdr header{};
    inet_diag_msg found{};
    if (size < static_cast<ssize_t>(NLMSG_LENGTH(sizeof found))) return std::nullopt;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY) return std::nullopt;
    std::memcpy(&found, bytes.data() + NLMSG_HDRLEN, sizeof found);
    return Socket{.user = found.idiag_uid, .inode = found.idiag_inode, .state = found.idiag_state};
  }

  Fd socket_;
};

std::optional<Socket> listening(const Questions& questions, const Address& address) {
  const auto found = questions.ask(address, nullptr);
  return found && found->state == kListen ? found : std::nullopt;
}

}  // namespace

std::optional<uid_t> listener_at(const Address& address) {
  const auto found = listening(Questions(), address);
  return found ? std::optional(found->user) : std::nullopt;
}

// What waits has no user of its own yet, but where it waits has. That is asked between two times of seeing it wait: the
// socket that it waits at was there all the time, and so is the one that was found.
bool is_at_other_end(int fd, uid_t user) {
  constexpr int kTimes = 4;
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return false;
  const Address there(reinterpret_cast<const sockaddr*>(&storage), length);
  const Address here = Address::local_of(fd);
  const Questions questions;
  std::optional<uid_t> waits_at;
  for (int i = 0; i < kTimes; ++i) {
    const auto end = questions.ask(there, &here);
    if (!end || end->state == kListen) return false;
    if (end->inode != 0) return end->user == user;
    if (!end->waits()) return false;
    if (waits_at) return *waits_at == user;
    if (const auto at = listening(questions, there)) waits_at = at->user;
  }
  return false;
}

}  // namespace gatehouse::socket_owner
