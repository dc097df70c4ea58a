// The sockets of one QUIC address, one per worker, and how a packet reaches the worker that owns its connection id: a
// filter in the kernel (SO_ATTACH_REUSEPORT_CBPF) picks the socket by the worker byte of our ids, and what still
// arrives at the wrong worker is copied and posted to the right loop. Made by the control thread, shared by the
// listeners of all workers; forward() may be called from any of them. Not on the path of ordinary packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "common/address.h"
#include "common/fd.h"
#include "common/result.h"
#include "proxy/frontend/quic_id.h"

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

  explicit QuicGroup(std::size_t workers) : places_(workers) {}

  std::size_t workers() const { return places_.size(); }
  bool kernel_steers() const { return kernel_steers_; }

  // A listener takes its worker's place while it lives; on its own thread.
  void join(std::size_t worker, EventLoop& loop, QuicListener& listener);
  void leave(std::size_t worker);
  // Any thread: copies the datagram to `worker`'s listener. False if nobody is there.
  static bool forward(const std::shared_ptr<QuicGroup>& group, std::size_t worker, const UdpDatagram& datagram);

 private:
  struct Place {
    EventLoop* loop = nullptr;         // guarded by mutex_
    QuicListener* listener = nullptr;  // touched on the loop's thread only
  };
  void deliver(std::size_t worker, const UdpDatagram& datagram);

  std::vector<Place> places_;
  std::mutex mutex_;
  bool kernel_steers_ = false;
};

}  // namespace gatehouse
