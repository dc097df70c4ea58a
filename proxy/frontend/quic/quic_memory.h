// Memory for one ngtcp2 connection, which counts what its client makes it hold: whatever is allocated while packets are
// read. ngtcp2 bounds the bytes of data that come out of order, and the gaps of each stream by some thousands, not what
// it keeps for them: a byte can hold a block of 8 KiB, and each gap a node, so that with all its streams one connection
// could hold forty times its window. Owned by its QuicConnection, longer than the ngtcp2_conn; one loop's thread.
#pragma once

#include <cstddef>
#include <utility>

#include <ngtcp2/ngtcp2.h>

namespace gatehouse {

class QuicMemory {
 public:
  // While one lives, allocations are the client's.
  class Reading {
   public:
    explicit Reading(QuicMemory& memory) : memory_(memory), before_(std::exchange(memory.reading_, true)) {}
    ~Reading() { memory_.reading_ = before_; }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

   private:
    QuicMemory& memory_;
    bool before_;
  };

  QuicMemory();
  QuicMemory(const QuicMemory&) = delete;
  QuicMemory& operator=(const QuicMemory&) = delete;

  // For ngtcp2_conn_server_new(). Points into this object, which neither moves nor goes before the ngtcp2_conn.
  const ngtcp2_mem* interface() const { return &interface_; }
  // Bytes that were allocated while packets were read and have not been freed.
  std::size_t held_for_client() const { return held_; }

 private:
  // In front of each block: its size, and whether it is the client's.
  struct Header;
  struct Functions;

  ngtcp2_mem interface_;
  std::size_t held_ = 0;
  bool reading_ = false;
};

}  // namespace gatehouse
