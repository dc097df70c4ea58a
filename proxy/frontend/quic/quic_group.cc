#include "proxy/frontend/quic/quic_group.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <span>
#include <utility>

#include "common/crypto/random.h"
#include "common/event_loop.h"
#include "common/log.h"
#include "common/sockets.h"
#include "proxy/frontend/quic/quic_id.h"
#include "proxy/frontend/quic/quic_listener.h"
#include "proxy/frontend/quic/quic_socket.h"

namespace gatehouse {

namespace {

constexpr std::chrono::minutes kProbeTokenLifetime{1};

// Tokens are made for an address. The one of probes is a secret that never leaves the machine, and stands for any.
UdpPath any_client() {
  static const sockaddr_in kNobody{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
  return {.remote = reinterpret_cast<const sockaddr*>(&kNobody), .remote_length = sizeof kNobody};
}

bool is_reachable(const Address& address) {
  const Fd trial(::socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return trial && ::connect(trial.get(), address.data(), address.length()) == 0;
}

bool takes_v4(int fd, const Address& bound) {
  int only_v6 = 0;
  socklen_t size = sizeof only_v6;
  if (bound.family() == AF_INET) return true;
  return ::getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, &size) == 0 && only_v6 == 0;
}

// Every address of the machine is the loopback's too.
std::vector<Address> ways_to(int fd) {
  const Address bound = Address::local_of(fd);
  if (!bound.is_any()) return {bound};
  std::vector<Address> ways;
  Address v6 = Address::parse("[::1]:0").value();
  Address v4 = Address::parse("127.0.0.1:0").value();
  v6.set_port(bound.port());
  v4.set_port(bound.port());
  if (bound.family() == AF_INET6 && is_reachable(v6)) ways.push_back(v6);
  if (takes_v4(fd, bound)) ways.push_back(v4);
  return ways;
}

constexpr sock_filter statement(unsigned code, std::uint32_t k) {
  return {.code = static_cast<std::uint16_t>(code), .jt = 0, .jf = 0, .k = k};
}

constexpr sock_filter jump(unsigned code, std::uint32_t k, std::uint8_t yes, std::uint8_t no) {
  return {.code = static_cast<std::uint16_t>(code), .jt = yes, .jf = no, .k = k};
}

bool attach(int fd, std::span<sock_filter> program) {
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) == 0;
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
  return attach(fd, program);
}

// For a group with more sockets than workers, whose surplus nobody reads: the kernel's hash must not choose. The byte
// that is the worker's in our ids is random in others, which makes it as good a choice.
bool attach_filter_for_surplus(int fd, std::size_t workers, const QuicIdLayout& ids) {
  constexpr std::uint32_t kShortId = 1;
  constexpr std::uint32_t kLongId = 6;
  constexpr unsigned kLoadByte = BPF_LD | BPF_B | BPF_ABS;
  const auto worker_at = static_cast<std::uint32_t>(ids.worker_at());
  std::array<sock_filter, 9> program = {
      statement(BPF_LD | BPF_W | BPF_LEN, 0),
      jump(BPF_JMP | BPF_JGE | BPF_K, kLongId + worker_at + 1, 0, 5),  // what is too short is nobody's
      statement(kLoadByte, 0),
      jump(BPF_JMP | BPF_JSET | BPF_K, 0x80, 2, 0),
      statement(kLoadByte, kShortId + worker_at),
      statement(BPF_JMP | BPF_JA, 1),
      statement(kLoadByte, kLongId + worker_at),
      statement(BPF_ALU | BPF_MOD | BPF_K, static_cast<std::uint32_t>(workers)),
      statement(BPF_RET | BPF_A, 0),
  };
  return attach(fd, program);
}

}  // namespace

// A datagram on its way to another worker's thread; it counts as under way while it lives, wherever it ends.
class QuicGroup::Parcel {
 public:
  Parcel(std::shared_ptr<QuicGroup> group, std::size_t worker, const UdpDatagram& datagram)
      : group_(std::move(group)),
        worker_(worker),
        local_(datagram.path.local, datagram.path.local_length),
        remote_(datagram.path.remote, datagram.path.remote_length),
        ecn_(datagram.ecn),
        bytes_(datagram.bytes.begin(), datagram.bytes.end()) {
    group_->under_way_[worker_] += bytes_.size();
  }
  Parcel(Parcel&&) = default;
  Parcel& operator=(Parcel&&) = delete;
  ~Parcel() {
    if (group_) group_->under_way_[worker_] -= bytes_.size();
  }

  void deliver() const {
    group_->deliver(worker_, {.path = {.local = local_.data(),
                                       .local_length = local_.length(),
                                       .remote = remote_.data(),
                                       .remote_length = remote_.length()},
                              .ecn = ecn_,
                              .bytes = bytes_});
  }

 private:
  std::shared_ptr<QuicGroup> group_;
  std::size_t worker_;
  Address local_;
  Address remote_;
  std::uint8_t ecn_;
  std::vector<std::uint8_t> bytes_;
};

QuicGroup::QuicGroup(std::size_t workers, std::size_t sockets)
    : sockets_(sockets),
      key_(random::secret()),
      probes_(QuicSecrets::random()),
      members_(workers),
      under_way_(workers) {}

std::vector<std::uint8_t> QuicGroup::probe_token(WallTime now) const {
  return probes_.new_token(any_client(), now);
}

bool QuicGroup::is_probe(std::span<const std::uint8_t> token, WallTime now) const {
  return probes_.verify_new_token(any_client(), token, kProbeTokenLifetime, now);
}

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
  binding.group->ways_ = ways_to(binding.sockets.front().get());
  if (workers > 1) binding.group->steer(binding.sockets.front().get(), workers, ids);
  return binding;
}

Result<QuicGroup::Binding> QuicGroup::adopt(std::vector<Fd> bound, std::size_t workers, const QuicIdLayout& ids) {
  assert(!bound.empty() && workers >= 1 && workers <= 255);
  for (const Fd& socket : bound) {
    if (auto done = sockets::set_up_udp(socket.get()); !done) return std::unexpected(std::move(done).error());
  }
  const Address address = Address::local_of(bound.front().get());
  const bool shared = sockets::shares_port(bound.front().get());
  while (shared && bound.size() < workers) {
    auto company = sockets::bind_udp(address);
    if (!company) break;  // the port is low, or another user's
    bound.push_back(*std::move(company));
  }
  const std::size_t sockets = bound.size();
  Binding binding{.group = std::make_shared<QuicGroup>(workers, std::min(workers, sockets)),
                  .sockets = std::move(bound)};
  binding.group->ways_ = ways_to(binding.sockets.front().get());
  if (sockets > 1) binding.group->steer(binding.sockets.front().get(), sockets, ids);
  for (std::size_t i = 0; binding.sockets.size() < workers; ++i) {
    Fd copy(::fcntl(binding.sockets[i].get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) return system_failure("cannot share the socket " + address.to_string(), errno);
    binding.sockets.push_back(std::move(copy));
  }
  binding.sockets.resize(workers);
  return binding;
}

void QuicGroup::steer(int fd, std::size_t sockets, const QuicIdLayout& ids) {
  kernel_steers_ = sockets > workers() ? attach_filter_for_surplus(fd, workers(), ids) : attach_filter(fd, ids);
  if (kernel_steers_) return;
  log::warn("the kernel cannot steer QUIC packets on {}: {}", Address::local_of(fd).to_string(),
            system_failure("SO_ATTACH_REUSEPORT_CBPF", errno).error().message);
}

std::optional<std::size_t> QuicGroup::worker_for(std::span<const std::uint8_t> client_id) const {
  if (sockets_ == members_.size()) return std::nullopt;
  return QuicIdHash{key_}(QuicId::of(client_id)) % members_.size();
}

void QuicGroup::join(std::size_t worker, EventLoop& loop, QuicListener& listener) {
  const std::scoped_lock lock(mutex_);
  assert(worker < members_.size() && members_[worker].loop == nullptr);
  members_[worker] = {.loop = &loop, .listener = &listener};
}

void QuicGroup::leave(std::size_t worker) {
  const std::scoped_lock lock(mutex_);
  members_[worker] = {};
}

bool QuicGroup::relies_on(std::size_t worker) {
  if (!reads(worker)) return false;
  const std::scoped_lock lock(mutex_);
  return std::any_of(members_.begin() + static_cast<std::ptrdiff_t>(sockets_), members_.end(),
                     [](const Member& member) { return member.loop != nullptr; });
}

QuicGroup::Forwarded QuicGroup::forward(const std::shared_ptr<QuicGroup>& group, std::size_t worker,
                                        const UdpDatagram& datagram) {
  const std::scoped_lock lock(group->mutex_);  // held over post(): the loop lives at least until leave()
  if (worker >= group->members_.size() || group->members_[worker].loop == nullptr) return Forwarded::kNobodyThere;
  if (group->under_way_[worker] + datagram.bytes.size() > kMostUnderWay) return Forwarded::kTooMuch;
  group->members_[worker].loop->post([parcel = Parcel(group, worker, datagram)] { parcel.deliver(); });
  return Forwarded::kOnItsWay;
}

void QuicGroup::deliver(std::size_t worker, const UdpDatagram& datagram) {
  QuicListener* listener = members_[worker].listener;
  if (listener != nullptr) listener->receive(datagram);
}

}  // namespace gatehouse
