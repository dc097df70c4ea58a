#include "proxy/frontend/quic_group.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

#include "common/event_loop.h"
#include "common/log.h"
#include "common/sockets.h"
#include "proxy/frontend/quic_id.h"
#include "proxy/frontend/quic_listener.h"
#include "proxy/frontend/quic_socket.h"

namespace gatehouse {

namespace {

// A datagram on its way to another worker's thread.
struct Parcel {
  Address local;
  Address remote;
  std::uint8_t ecn;
  std::vector<std::uint8_t> bytes;

  explicit Parcel(const UdpDatagram& datagram)
      : local(datagram.path.local, datagram.path.local_length),
        remote(datagram.path.remote, datagram.path.remote_length),
        ecn(datagram.ecn),
        bytes(datagram.bytes.begin(), datagram.bytes.end()) {}

  UdpDatagram datagram() const {
    return {.path = {.local = local.data(),
                     .local_length = local.length(),
                     .remote = remote.data(),
                     .remote_length = remote.length()},
            .ecn = ecn,
            .bytes = bytes};
  }
};

constexpr sock_filter statement(unsigned code, std::uint32_t k) {
  return {.code = static_cast<std::uint16_t>(code), .jt = 0, .jf = 0, .k = k};
}

constexpr sock_filter jump(unsigned code, std::uint32_t k, std::uint8_t yes, std::uint8_t no) {
  return {.code = static_cast<std::uint16_t>(code), .jt = yes, .jf = no, .k = k};
}

// Returns the worker byte of a destination connection id of ours. For anything else an index that no socket has: the
// kernel then chooses by the hash of addresses and ports, so that a client's first packets meet at one worker.
bool attach_filter(int fd, const QuicIdLayout& ids) {
  constexpr std::uint32_t kByHash = 0xffff'ffff;
  constexpr std::uint32_t kShortId = 1;  // RFC 8999 section 5: the id follows the first byte, ...
  constexpr std::uint32_t kLongIdLength = 5;
  constexpr std::uint32_t kLongId = 6;  // ... or the version and its own length
  constexpr unsigned kLoadByte = BPF_LD | BPF_B | BPF_ABS;
  constexpr unsigned kEquals = BPF_JMP | BPF_JEQ | BPF_K;
  const auto length = static_cast<std::uint32_t>(ids.length());
  const auto worker_at = static_cast<std::uint32_t>(ids.worker_at());
  std::array<sock_filter, 15> program = {
      statement(BPF_LD | BPF_W | BPF_LEN, 0),
      jump(BPF_JMP | BPF_JGE | BPF_K, kShortId + length, 0, 12),
      statement(kLoadByte, 0),
      jump(BPF_JMP | BPF_JSET | BPF_K, 0x80, 4, 0),
      statement(kLoadByte, kShortId),
      jump(kEquals, ids.first_byte(), 0, 8),
      statement(kLoadByte, kShortId + worker_at),
      statement(BPF_RET | BPF_A, 0),
      statement(kLoadByte, kLongIdLength),
      jump(kEquals, length, 0, 4),
      statement(kLoadByte, kLongId),
      jump(kEquals, ids.first_byte(), 0, 2),
      statement(kLoadByte, kLongId + worker_at),
      statement(BPF_RET | BPF_A, 0),
      statement(BPF_RET | BPF_K, kByHash),
  };
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) == 0;
}

}  // namespace

Result<QuicGroup::Binding> QuicGroup::bind(const Address& address, std::size_t workers, const QuicIdLayout& ids) {
  assert(workers >= 1 && workers <= 255);
  Binding binding{.group = std::make_shared<QuicGroup>(workers), .sockets = {}};
  Address each = address;
  for (std::size_t i = 0; i < workers; ++i) {
    auto socket = sockets::bind_udp(each);
    if (!socket) return std::unexpected(std::move(socket.error()));
    if (each.port() == 0) each.set_port(Address::local_of(socket->get()).port());
    binding.sockets.push_back(*std::move(socket));
  }
  if (workers > 1) {
    binding.group->kernel_steers_ = attach_filter(binding.sockets.front().get(), ids);
    if (!binding.group->kernel_steers_) {
      log::warn("the kernel cannot steer QUIC packets on {}: {}", each.to_string(),
                system_failure("SO_ATTACH_REUSEPORT_CBPF", errno).error().message);
    }
  }
  return binding;
}

void QuicGroup::join(std::size_t worker, EventLoop& loop, QuicListener& listener) {
  const std::scoped_lock lock(mutex_);
  assert(worker < places_.size() && places_[worker].loop == nullptr);
  places_[worker] = {.loop = &loop, .listener = &listener};
}

void QuicGroup::leave(std::size_t worker) {
  const std::scoped_lock lock(mutex_);
  places_[worker] = {};
}

bool QuicGroup::forward(const std::shared_ptr<QuicGroup>& group, std::size_t worker, const UdpDatagram& datagram) {
  const std::scoped_lock lock(group->mutex_);  // held over post(): the loop lives at least until leave()
  if (worker >= group->places_.size() || group->places_[worker].loop == nullptr) return false;
  group->places_[worker].loop->post(
      [group, worker, parcel = Parcel(datagram)] { group->deliver(worker, parcel.datagram()); });
  return true;
}

void QuicGroup::deliver(std::size_t worker, const UdpDatagram& datagram) {
  QuicListener* listener = places_[worker].listener;
  if (listener != nullptr) listener->receive(datagram);
}

}  // namespace gatehouse
