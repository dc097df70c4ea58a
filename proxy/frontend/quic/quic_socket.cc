#include "proxy/frontend/quic/quic_socket.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "common/event_loop.h"
#include "common/log_limit.h"

namespace gatehouse {

namespace {

using namespace std::chrono_literals;

constinit log::Limited no_segmentation("no UDP segmentation offload");

constexpr std::size_t kBatch = 8;                // of a turn: its work follows before more is taken
constexpr std::size_t kReceiveSize = 64 * 1024;  // what GRO may join
constexpr std::size_t kControlSize = 128;
constexpr Duration kRetryWithoutEdge = 1ms;  // ENOBUFS: the device's queue is full, and no event tells when it is not

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

struct alignas(cmsghdr) Control {
  std::array<char, kControlSize> bytes;
};

// One for all sockets of the thread: filled and emptied within receive().
struct Batch {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> vectors{};
  std::array<SocketAddress, kBatch> remotes{};
  std::array<Control, kBatch> controls{};
  std::unique_ptr<std::uint8_t[]> bytes = std::make_unique_for_overwrite<std::uint8_t[]>(kBatch * kReceiveSize);

  void prepare() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      vectors[i] = {.iov_base = bytes.get() + i * kReceiveSize, .iov_len = kReceiveSize};
      messages[i].msg_hdr = {.msg_name = &remotes[i],
                             .msg_namelen = sizeof remotes[i],
                             .msg_iov = &vectors[i],
                             .msg_iovlen = 1,
                             .msg_control = controls[i].bytes.data(),
                             .msg_controllen = kControlSize,
                             .msg_flags = 0};
    }
  }
};

Batch& thread_batch() {
  thread_local const auto kThreadBatch = std::make_unique<Batch>();
  return *kThreadBatch;
}

// What the kernel says about a received datagram beside its bytes and sender.
struct Extras {
  SocketAddress local{};
  socklen_t local_length = 0;
  std::uint8_t ecn = 0;
  std::size_t segment = 0;  // GRO: several datagrams of this size, joined
};

template <class T>
T value_of(const cmsghdr* control) {
  T value;
  std::memcpy(&value, CMSG_DATA(control), sizeof value);
  return value;
}

void note_local(Extras& extras, const in_addr& address, in_port_t port) {
  extras.local.v4 = {.sin_family = AF_INET, .sin_port = port, .sin_addr = address, .sin_zero = {}};
  extras.local_length = sizeof extras.local.v4;
}

void note_local(Extras& extras, const in6_addr& address, in_port_t port) {
  extras.local.v6 = {
      .sin6_family = AF_INET6, .sin6_port = port, .sin6_flowinfo = 0, .sin6_addr = address, .sin6_scope_id = 0};
  extras.local_length = sizeof extras.local.v6;
}

Extras read_extras(msghdr& message, int family, in_port_t port) {
  Extras extras;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO && family == AF_INET) {
      note_local(extras, value_of<in_pktinfo>(c).ipi_addr, port);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      note_local(extras, value_of<in6_pktinfo>(c).ipi6_addr, port);
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
      extras.ecn = value_of<std::uint8_t>(c) & IPTOS_ECN_MASK;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
      extras.ecn = static_cast<std::uint8_t>(value_of<int>(c)) & IPTOS_ECN_MASK;
    } else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
      extras.segment = static_cast<std::size_t>(value_of<int>(c));
    }
  }
  return extras;
}

// The message of one sendmsg(): where from, where to, ECN, and how the bytes are cut.
class Outgoing {
 public:
  Outgoing(const UdpTrain& train, std::size_t segment) {
    vector_ = {.iov_base = const_cast<std::uint8_t*>(train.bytes.data()), .iov_len = train.bytes.size()};
    message_.msg_name = const_cast<sockaddr*>(train.path.remote);
    message_.msg_namelen = train.path.remote_length;
    message_.msg_iov = &vector_;
    message_.msg_iovlen = 1;
    message_.msg_control = control_.bytes.data();
    add_source(train.path);
    if (train.ecn != 0) add_ecn(train);
    if (segment != 0 && segment < train.bytes.size()) add(SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(segment));
    message_.msg_controllen = used_;
    if (used_ == 0) message_.msg_control = nullptr;
  }

  const msghdr& message() const { return message_; }

 private:
  template <class T>
  void add(int level, int type, const T& value) {
    assert(used_ + CMSG_SPACE(sizeof value) <= kControlSize);
    auto* header = reinterpret_cast<cmsghdr*>(control_.bytes.data() + used_);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(header), &value, sizeof value);
    used_ += CMSG_SPACE(sizeof value);
  }

  void add_source(const UdpPath& path) {
    if (path.local == nullptr) return;
    if (path.local->sa_family == AF_INET) {
      const auto& address = reinterpret_cast<const sockaddr_in*>(path.local)->sin_addr;
      if (address.s_addr == INADDR_ANY) return;
      add(IPPROTO_IP, IP_PKTINFO, in_pktinfo{.ipi_ifindex = 0, .ipi_spec_dst = address, .ipi_addr = {}});
    } else if (path.local->sa_family == AF_INET6) {
      const auto& address = reinterpret_cast<const sockaddr_in6*>(path.local)->sin6_addr;
      if (IN6_IS_ADDR_UNSPECIFIED(&address)) return;
      add(IPPROTO_IPV6, IPV6_PKTINFO, in6_pktinfo{.ipi6_addr = address, .ipi6_ifindex = 0});
    }
  }

  // A v4-mapped address leaves as IPv4, whose header has its own option.
  void add_ecn(const UdpTrain& train) {
    const auto* to = train.path.remote;
    const bool v6 =
        to->sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<const sockaddr_in6*>(to)->sin6_addr);
    const int mark = train.ecn;
    if (v6) {
      add(IPPROTO_IPV6, IPV6_TCLASS, mark);
    } else {
      add(IPPROTO_IP, IP_TOS, mark);
    }
  }

  msghdr message_{};
  iovec vector_{};
  Control control_;
  std::size_t used_ = 0;
};

// 0, or errno.
int transmit(int fd, const UdpTrain& train, std::size_t segment) {
  const Outgoing outgoing(train, segment);
  while (::sendmsg(fd, &outgoing.message(), 0) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

bool means_wait(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM;
}

Address copy_of(const sockaddr* address, socklen_t length) {
  return address != nullptr ? Address(address, length) : Address();
}

UdpTrain without_front(const UdpTrain& train, std::size_t count) {
  UdpTrain rest = train;
  rest.bytes = train.bytes.subspan(count);
  return rest;
}

}  // namespace

struct QuicSocket::Unsent {
  Address local;
  Address remote;
  std::uint8_t ecn;
  std::size_t segment;
  std::vector<std::uint8_t> bytes;

  UdpTrain train() const {
    return {.path = {.local = local.length() > 0 ? local.data() : nullptr,
                     .local_length = local.length(),
                     .remote = remote.length() > 0 ? remote.data() : nullptr,
                     .remote_length = remote.length()},
            .ecn = ecn,
            .segment = segment,
            .bytes = bytes};
  }
};

QuicSocket::QuicSocket(EventLoop& loop, Fd socket, Events events, Duty duty)
    : socket_(std::move(socket)),
      local_(Address::local_of(socket_.get())),
      events_(std::move(events)),
      more_(loop, [this, duty] { on_ready({.readable = duty == Duty::kSendsAndReceives, .writable = true}); }),
      watcher_(std::make_unique<IoWatcher>(
          loop, socket_.get(), [this](IoEvents ready) { on_ready(ready); },
          duty == Duty::kSends ? IoWatcher::Interest::kWritable : IoWatcher::Interest::kBoth)) {}

QuicSocket::QuicSocket(EventLoop& loop, Sink sink, Address local, Events events)
    : local_(local), sink_(std::move(sink)), events_(std::move(events)), more_(loop, [] {}) {}

QuicSocket::~QuicSocket() = default;

std::span<std::uint8_t> QuicSocket::train_buffer() {
  thread_local const auto kThreadBuffer = std::make_unique_for_overwrite<std::uint8_t[]>(kMaxTrain);
  return {kThreadBuffer.get(), kMaxTrain};
}

void QuicSocket::on_ready(IoEvents ready) {
  if (ready.writable && blocked()) send_unsent();
  if (ready.readable) receive();
}

void QuicSocket::receive() {
  Batch& batch = thread_batch();
  const in_port_t port = htons(local_.port());
  batch.prepare();
  int count = 0;
  do {
    count = ::recvmmsg(socket_.get(), batch.messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return;  // would block, or an ICMP error of an earlier datagram: nothing to do about it
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    msghdr& message = batch.messages[i].msg_hdr;
    if ((message.msg_flags & MSG_TRUNC) != 0) continue;
    const Extras extras = read_extras(message, local_.family(), port);
    const bool known = extras.local_length > 0;
    deliver({.path = {.local = known ? &extras.local.any : local_.data(),
                      .local_length = known ? extras.local_length : local_.length(),
                      .remote = &batch.remotes[i].any,
                      .remote_length = message.msg_namelen},
             .ecn = extras.ecn,
             .bytes = {static_cast<const std::uint8_t*>(batch.vectors[i].iov_base), batch.messages[i].msg_len}},
            extras.segment);
  }
  if (static_cast<std::size_t>(count) == kBatch) more_.arm(Duration::zero());  // not known to be dry: no edge may come
}

void QuicSocket::deliver(const UdpDatagram& received, std::size_t segment) {
  UdpDatagram datagram = received;
  if (segment == 0) segment = received.bytes.size();
  for (auto rest = received.bytes; !rest.empty(); rest = rest.subspan(datagram.bytes.size())) {
    datagram.bytes = rest.first(std::min(segment, rest.size()));
    events_.datagram(datagram);
  }
}

void QuicSocket::send(const UdpTrain& train) {
  assert(train.bytes.size() <= kMaxTrain && train.segment > 0);
  if (sink_) return send_to_sink(train);
  if (blocked()) return keep(train);
  switch (send_train(train)) {
    case Sent::kAll:
    case Sent::kLost:
      return;
    case Sent::kWouldBlock:
      return keep(train);
    case Sent::kWithoutGso:
      break;
  }
  const std::size_t done = send_each(train);
  if (done < train.bytes.size()) keep(without_front(train, done));
}

void QuicSocket::send_to_sink(const UdpTrain& train) {
  for (auto rest = train.bytes; !rest.empty();) {
    const auto datagram = rest.first(std::min(train.segment, rest.size()));
    sink_({.path = train.path, .ecn = train.ecn, .bytes = datagram});
    rest = rest.subspan(datagram.size());
  }
}

QuicSocket::Sent QuicSocket::send_train(const UdpTrain& train) {
  const bool single = train.segment >= train.bytes.size();
  if (!single && !gso_) return Sent::kWithoutGso;
  const int error = transmit(socket_.get(), train, train.segment);
  if (error == 0) return Sent::kAll;
  if (means_wait(error)) {
    if (error != EAGAIN && error != EWOULDBLOCK) more_.arm(kRetryWithoutEdge);
    return Sent::kWouldBlock;
  }
  if (!single && (error == EIO || error == EINVAL)) {
    gso_ = false;
    no_segmentation.warn("UDP segmentation offload does not work on {}: sending datagrams one by one",
                         local_.to_string());
    return Sent::kWithoutGso;
  }
  ++lost_;  // EMSGSIZE (a probe of the path's MTU), EPERM, unreachable: as if the network had lost it
  return Sent::kLost;
}

std::size_t QuicSocket::send_each(const UdpTrain& train) {
  std::size_t done = 0;
  while (done < train.bytes.size()) {
    UdpTrain one = without_front(train, done);
    one.bytes = one.bytes.first(std::min(train.segment, one.bytes.size()));
    if (send_train(one) == Sent::kWouldBlock) break;
    done += one.bytes.size();
  }
  return done;
}

void QuicSocket::keep(const UdpTrain& rest) {
  const auto& path = rest.path;
  unsent_.push_back(std::make_unique<Unsent>(Unsent{.local = copy_of(path.local, path.local_length),
                                                    .remote = copy_of(path.remote, path.remote_length),
                                                    .ecn = rest.ecn,
                                                    .segment = rest.segment,
                                                    .bytes = {rest.bytes.begin(), rest.bytes.end()}}));
}

void QuicSocket::send_unsent() {
  const auto waiting = std::exchange(unsent_, {});
  for (const auto& unsent : waiting) send(unsent->train());  // keeps again what still does not fit, in order
  if (!blocked()) events_.writable();
}

}  // namespace gatehouse
