// Whether clients of a listener get through their QUIC handshakes: a network may let first packets through and lose what
// follows, which no probe on the machine sees. Counts clients whose address is proven, by the part of the address space
// that they come from, so that neither one client that tries again nor a machine with many addresses makes a crowd.
// Owned by the QuicGroup. Any thread: a mutex that only handshakes take that failed, or that succeed after others
// have failed.
//
//   failed(A), failed(B), ... kCrowd different ones within kWindow --> only_failures()
//   succeeded(): all are forgotten
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "common/clock.h"

namespace gatehouse {

class HandshakeTally {
 public:
  static constexpr std::size_t kCrowd = 20;
  static constexpr std::chrono::seconds kWindow{10};

  // `prefix` is address_prefix().
  void failed(std::uint64_t prefix, MonotonicTime now);
  void succeeded();

  // The last kWindow saw kCrowd different clients fail, and since the first of them none succeeded.
  bool only_failures(MonotonicTime now);
  // How many have succeeded.
  std::uint64_t successes() const { return successes_.load(std::memory_order_relaxed); }

 private:
  struct Failure {
    std::uint64_t prefix = 0;
    // Of the last one.
    MonotonicTime at{};
  };

  std::mutex mutex_;
  // The first count_ of them, in no order. Guarded by mutex_.
  std::array<Failure, kCrowd> failures_{};
  std::size_t count_ = 0;
  // count_ is not 0. May be read without the mutex: who misses the failure of this moment forgets it with the next.
  std::atomic<bool> any_ = false;
  std::atomic<std::uint64_t> successes_ = 0;
};

}  // namespace gatehouse
