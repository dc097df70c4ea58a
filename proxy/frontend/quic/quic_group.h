// The sockets of one QUIC address, one per worker, and how a packet reaches the worker that owns its connection id: a
// filter in the kernel (SO_ATTACH_REUSEPORT_CBPF) picks the socket by the worker byte of our ids, and what still
// arrives at the wrong worker is copied and posted to the right loop. Where sockets were handed over to us and there
// are fewer than workers, the other workers only send by them: all that is theirs is posted, new clients by their id.
// Made by the control thread, shared by the listeners of all workers; forward() may be called from any of them. Where
// each worker has its own socket, not on the path of ordinary packets.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "common/address.h"
#include "common/fd.h"
#include "common/result.h"
#include "proxy/frontend/quic/quic_id.h"

namespace gatehouse {

class EventLoop;
class QuicListener;
struct UdpDatagram;

class QuicGroup {
 public:
  struct Binding {
    std::shared_ptr<QuicGroup> group;
    std::vector<Fd> sockets;  // one per worker, in the order that the filter counts them
  };
  // Binds `workers` sockets to `address` (port 0: all to the one that the first gets). A kernel without the filter is
  // no error: packets are then handed over in the process. REQUIRES: 1 <= workers <= 255
  static Result<Binding> bind(const Address& address, std::size_t workers, const QuicIdLayout& ids);
  // The same with sockets that are bound already; those that allow it (SO_REUSEPORT) get company until each worker has
  // one, if the system lets us. REQUIRES: at least one
  static Result<Binding> adopt(std::vector<Fd> bound, std::size_t workers, const QuicIdLayout& ids);

  explicit QuicGroup(std::size_t workers) : QuicGroup(workers, workers) {}
  QuicGroup(std::size_t workers, std::size_t sockets);

  std::size_t workers() const { return members_.size(); }
  bool kernel_steers() const { return kernel_steers_; }
  bool reads(std::size_t worker) const { return worker < sockets_; }  // has a socket of its own
  // The worker that a client with this id of its own choice belongs to; nothing: to whoever got the packet.
  std::optional<std::size_t> worker_for(std::span<const std::uint8_t> client_id) const;

  // A listener takes its worker's place while it lives; on its own thread.
  void join(std::size_t worker, EventLoop& loop, QuicListener& listener);
  void leave(std::size_t worker);
  // Others only send by this worker's socket, and are still there: it must go on reading for them.
  bool relies_on(std::size_t worker);
  enum class Forwarded : std::uint8_t { kOnItsWay, kNobodyThere, kTooMuch };
  // What may be under way to one worker: beyond it datagrams are lost, as they are in a socket whose buffer is full.
  static constexpr std::size_t kMostUnderWay = 4 * 1024 * 1024;
  // Any thread: copies the datagram to `worker`'s listener.
  static Forwarded forward(const std::shared_ptr<QuicGroup>& group, std::size_t worker, const UdpDatagram& datagram);

 private:
  struct Member {
    EventLoop* loop = nullptr;         // guarded by mutex_
    QuicListener* listener = nullptr;  // touched on the loop's thread only
  };
  class Parcel;
  void steer(int fd, std::size_t sockets, const QuicIdLayout& ids);
  void deliver(std::size_t worker, const UdpDatagram& datagram);

  const std::size_t sockets_;
  const std::uint64_t key_;  // of the hash that spreads new clients
  std::vector<Member> members_;
  std::vector<std::atomic<std::size_t>> under_way_;  // bytes, for each worker
  std::mutex mutex_;
  bool kernel_steers_ = false;
};

}  // namespace gatehouse
