// The sockets of one QUIC address, one per worker, and how a packet reaches the worker that owns its connection id.
// Made by ListenerSockets on the control thread, shared by the QuicListeners of all workers; forward() may be called
// from any of them. Where each worker has its own socket, no lock is on the path of ordinary packets.
//
//   datagram
//      |  kernel (SO_ATTACH_REUSEPORT_CBPF): worker byte of an id of ours -> socket of that worker
//      |                                     any other id -> a socket by the hash of addresses and ports
//      v
//   socket of worker R --> QuicListener R --> QuicDispatch R: whose is the id?
//                                                |
//        of ours, with worker byte R, or new <---+---> worker byte W, or new and worker_for() says W
//                      |                                            |
//               handled by R                              forward(W): copied into a Parcel
//                                                                   |  EventLoop::post
//                                                                   v
//                                              loop of W: deliver() --> QuicListener W::receive()
//
//   sockets for n workers       who reads            what is forwarded
//   n, each worker its own      every worker         strays: no filter, or the kernel counts the sockets otherwise
//   fewer, handed over to us    the first of them    all that is the others'; new clients too, by worker_for()
//   more, handed over to us     every worker         strays; the filter takes the byte modulo n, of any id
//
// With fewer sockets the other workers send by copies of the descriptors that the first of them read from.
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
#include "proxy/frontend/quic/handshake_tally.h"
#include "proxy/frontend/quic/quic_id.h"
#include "proxy/frontend/quic/quic_tokens.h"

namespace gatehouse {

class EventLoop;
class QuicListener;
struct UdpDatagram;

class QuicGroup {
 public:
  struct Binding {
    std::shared_ptr<QuicGroup> group;
    // One per worker, in the order that the filter counts them.
    std::vector<Fd> sockets;
  };
  // Binds `workers` sockets to `address` (port 0: all to the one that the first gets). A kernel without the filter is
  // no error: packets are then handed over in the process, and the log says so. REQUIRES: 1 <= workers <= 255
  static Result<Binding> bind(const Address& address, std::size_t workers, const QuicIdLayout& ids);
  // The same with sockets that are bound already; those that allow it (SO_REUSEPORT) get company until each worker
  // has one, if the system lets us. Fails if a socket cannot be set up or shared. REQUIRES: `bound` is not empty, and
  // what bind() requires
  static Result<Binding> adopt(std::vector<Fd> bound, std::size_t workers, const QuicIdLayout& ids);

  // A group without its sockets, for bind(), adopt() and tests. The first `sockets` workers read one, all by default.
  explicit QuicGroup(std::size_t workers) : QuicGroup(workers, workers) {}
  QuicGroup(std::size_t workers, std::size_t sockets);

  std::size_t workers() const { return members_.size(); }
  // Addresses by which this machine reaches the sockets, one for each way to them; none for a group without sockets.
  const std::vector<Address>& ways() const { return ways_; }
  // How handshakes of clients end, on all workers.
  HandshakeTally& handshakes() { return handshakes_; }
  // An address token by which the workers know a QuicProbe of this process: it is neither asked for its address nor
  // limited nor counted. Good for an address as for any other, and for a minute.
  std::vector<std::uint8_t> probe_token(WallTime now) const;
  bool is_probe(std::span<const std::uint8_t> token, WallTime now) const;
  // Whether the filter is in force. Never with a single socket, which needs none.
  bool kernel_steers() const { return kernel_steers_; }
  // The worker has a socket of its own, and does not only send by another's.
  bool reads(std::size_t worker) const { return worker < sockets_; }
  // Returns the worker that a client with this id of its own choice belongs to; nothing: to whoever got the packet.
  std::optional<std::size_t> worker_for(std::span<const std::uint8_t> client_id) const;

  // A listener takes its worker's place while it lives; on its own thread. REQUIRES: nobody has it
  void join(std::size_t worker, EventLoop& loop, QuicListener& listener);
  // On the listener's thread. What is still on its way to it is dropped when it arrives.
  void leave(std::size_t worker);
  // Returns true while workers that only send by others' sockets are still there: `worker`, which reads one, must go
  // on reading for them.
  bool relies_on(std::size_t worker);
  // kNobodyThere: the worker has no listener, or there is no such worker; the datagram is the caller's as before.
  // kTooMuch: it is lost.
  enum class Forwarded : std::uint8_t { kOnItsWay, kNobodyThere, kTooMuch };
  // What may be under way to one worker: beyond it datagrams are lost, as they are in a socket whose buffer is full.
  static constexpr std::size_t kMostUnderWay = 4 * 1024 * 1024;
  // Copies the datagram and posts it to `worker`'s listener. Any thread; the mutex is held over the post.
  static Forwarded forward(const std::shared_ptr<QuicGroup>& group, std::size_t worker, const UdpDatagram& datagram);

 private:
  struct Member {
    // Guarded by mutex_.
    EventLoop* loop = nullptr;
    // Touched on the loop's thread only.
    QuicListener* listener = nullptr;
  };
  // A datagram on its way.
  class Parcel;
  // Attaches the filter to the group that `fd` is in.
  void steer(int fd, std::size_t sockets, const QuicIdLayout& ids);
  // On the worker's thread.
  void deliver(std::size_t worker, const UdpDatagram& datagram);

  // How many of them are read.
  const std::size_t sockets_;
  // Of the hash that spreads new clients.
  const std::uint64_t key_;
  const QuicTokens probes_;
  HandshakeTally handshakes_;
  std::vector<Address> ways_;
  std::vector<Member> members_;
  // Bytes, for each worker.
  std::vector<std::atomic<std::size_t>> under_way_;
  std::mutex mutex_;
  bool kernel_steers_ = false;
};

}  // namespace gatehouse
