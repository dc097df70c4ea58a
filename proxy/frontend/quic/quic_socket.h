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
  std::uint8_t ecn = 0;  // the two ECN bits of the IP header
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
  static constexpr std::size_t kMaxTrain = 65'000;  // below what one UDP datagram of the kernel's may hold
  static constexpr std::size_t kMaxSegments = 64;   // UDP_MAX_SEGMENTS of every kernel with GSO

  using Sink = std::move_only_function<void(const UdpDatagram&)>;
  struct Events {
    Sink datagram;                             // one came in; good during the call
    std::move_only_function<void()> writable;  // blocked() has become false
  };

  // kSends: another worker reads what comes in on this address, and passes our share on.
  enum class Duty : bool { kSendsAndReceives, kSends };

  QuicSocket(EventLoop& loop, Fd socket, Events events, Duty duty = Duty::kSendsAndReceives);
  QuicSocket(EventLoop& loop, Sink sink, Address local, Events events);  // memory mode
  ~QuicSocket();
  QuicSocket(const QuicSocket&) = delete;
  QuicSocket& operator=(const QuicSocket&) = delete;

  // Room for one train, shared by all connections of the thread: good until the next send().
  std::span<std::uint8_t> train_buffer();
  void send(const UdpTrain& train);
  bool blocked() const { return !unsent_.empty(); }

  const Address& local() const { return local_; }
  int fd() const { return socket_.get(); }
  bool uses_gso() const { return gso_; }
  std::uint64_t datagrams_lost() const { return lost_; }  // refused by the kernel for good (EMSGSIZE, EPERM, ...)

 private:
  enum class Sent { kAll, kWouldBlock, kWithoutGso, kLost };
  struct Unsent;

  void on_ready(IoEvents events);
  void receive();
  void deliver(const UdpDatagram& received, std::size_t segment);
  void send_to_sink(const UdpTrain& train);
  Sent send_train(const UdpTrain& train);
  std::size_t send_each(const UdpTrain& train);  // bytes that need no further care
  void keep(const UdpTrain& rest);
  void send_unsent();

  Fd socket_;
  Address local_;
  Sink sink_;
  Events events_;
  std::vector<std::unique_ptr<Unsent>> unsent_;
  std::uint64_t lost_ = 0;
  bool gso_ = true;
  Timer more_;  // receive() stopped before the socket ran dry
  std::unique_ptr<IoWatcher> watcher_;
};

}  // namespace gatehouse
