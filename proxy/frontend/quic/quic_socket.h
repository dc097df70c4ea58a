// One worker's UDP socket for QUIC: receives in batches (recvmmsg, GRO), sends trains of equal datagrams in one call
// (GSO), with ECN and the local address both ways. What the kernel refuses for the moment is kept and sent first once
// there is room; meanwhile blocked() holds the connections back. Owned by its QuicListener; one loop's thread.
// In memory mode (tests) nothing touches a descriptor: each datagram sent goes to the sink.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "common/address.h"
#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/timer.h"

namespace gatehouse {

class EventLoop;

// Both ends of a datagram's way, as views: the addresses belong to whoever made it.
struct UdpPath {
  const sockaddr* local = nullptr;
  socklen_t local_length = 0;
  const sockaddr* remote = nullptr;
  socklen_t remote_length = 0;
};

struct UdpDatagram {
  UdpPath path;
  // The two ECN bits of the IP header.
  std::uint8_t ecn = 0;
  std::span<const std::uint8_t> bytes;
};

// A path, an ECN mark and a run of datagrams that are all `segment` bytes long but for the last, which may be shorter.
struct UdpTrain {
  UdpPath path;
  std::uint8_t ecn = 0;
  std::size_t segment = 0;
  std::span<const std::uint8_t> bytes;
};

class QuicSocket {
 public:
  // Below what one UDP datagram of the kernel's may hold.
  static constexpr std::size_t kMaxTrain = 65'000;
  // UDP_MAX_SEGMENTS of every kernel with GSO.
  static constexpr std::size_t kMaxSegments = 64;

  using Sink = std::move_only_function<void(const UdpDatagram&)>;
  // Both are called in a turn of the loop, and may send; they must not destroy the socket.
  struct Events {
    // One came in; good during the call. Called for each, in the order of the kernel; those that GRO joined are cut
    // again.
    Sink datagram;
    // blocked() has become false: once each time.
    std::move_only_function<void()> writable;
  };

  // kSends: another worker reads what comes in on this address, and passes our share on.
  enum class Duty : bool { kSendsAndReceives, kSends };

  // `socket` is bound and does not block (sockets::bind_udp(), sockets::set_up_udp()).
  QuicSocket(EventLoop& loop, Fd socket, Events events, Duty duty = Duty::kSendsAndReceives);
  // Memory mode: never blocked, and events.datagram is not called.
  QuicSocket(EventLoop& loop, Sink sink, Address local, Events events);
  ~QuicSocket();
  QuicSocket(const QuicSocket&) = delete;
  QuicSocket& operator=(const QuicSocket&) = delete;

  // Room for one train, shared by all sockets of the thread: what is in it is good until somebody else fills it.
  std::span<std::uint8_t> train_buffer();
  // Sends the train, or as much as the kernel takes; the rest is copied and goes first when there is room. What the
  // kernel refuses for good is lost, as in the network. REQUIRES: at most kMaxTrain bytes, segment > 0
  void send(const UdpTrain& train);
  // Something is kept back. Who sends all the same makes it more, without bound.
  bool blocked() const { return !unsent_.empty(); }

  const Address& local() const { return local_; }
  // -1 in memory mode.
  int fd() const { return socket_.get(); }
  // False once the kernel or the device has refused to cut a train; then each datagram is sent by itself.
  bool uses_gso() const { return gso_; }
  // Trains or datagrams that the kernel has refused for good (EMSGSIZE, EPERM, ...).
  std::uint64_t datagrams_lost() const { return lost_; }

 private:
  enum class Sent { kAll, kWouldBlock, kWithoutGso, kLost };
  struct Unsent;

  void on_ready(IoEvents events);
  // Takes one batch of 8 and comes back in the next turn if it was full.
  void receive();
  void deliver(const UdpDatagram& received, std::size_t segment);
  void send_to_sink(const UdpTrain& train);
  Sent send_train(const UdpTrain& train);
  // Returns how many bytes need no further care.
  std::size_t send_each(const UdpTrain& train);
  void keep(const UdpTrain& rest);
  // In order; says so when all has left.
  void send_unsent();

  Fd socket_;
  Address local_;
  Sink sink_;
  Events events_;
  // In the order of their sending.
  std::vector<std::unique_ptr<Unsent>> unsent_;
  std::uint64_t lost_ = 0;
  bool gso_ = true;
  // receive() stopped before the socket ran dry.
  Timer more_;
  std::unique_ptr<IoWatcher> watcher_;
};

}  // namespace gatehouse
