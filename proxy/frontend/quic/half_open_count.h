// How many handshakes run with clients that have not proven their address, in all and of each part of the address
// space: beyond either limit a newcomer must prove it first (RFC 9000 section 8.1). A handshake that failed goes on
// counting for a while, or else somebody who makes each of them fail would never meet the limit. Nothing here grows
// beyond the limit, whatever comes, as long as crowded() is asked before began(). A value of the QuicDispatch; its
// thread.
//
//   began --> counted --proven()--------------------> not counted
//                    \--failed()--> kFailureCounts -/
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "common/clock.h"

namespace gatehouse {

class HalfOpenCount {
 public:
  // Handshakes at a time, in all and of one prefix (address_prefix()).
  struct Limits {
    std::size_t total;
    std::size_t per_prefix;
  };
  // With these limits a worker spends a few per cent of its time on handshakes that fail, however many are tried.
  static constexpr std::chrono::seconds kFailureCounts{1};

  explicit HalfOpenCount(Limits limits) : limits_(limits) {}

  // Returns whether a limit is reached; forgets failures that are old enough.
  bool crowded(std::uint64_t prefix, MonotonicTime now);
  // Each that began ends in one of two ways: proven() or failed(), with the same prefix.
  void began(std::uint64_t prefix);
  // The handshake is complete.
  void proven(std::uint64_t prefix) { forget(prefix); }
  void failed(std::uint64_t prefix, MonotonicTime now) {
    failures_.push_back({.until = now + kFailureCounts, .prefix = prefix});
  }
  // Failures that still count among them.
  std::size_t total() const { return total_; }

 private:
  struct Failure {
    MonotonicTime until;
    std::uint64_t prefix;
  };
  void forget(std::uint64_t prefix);

  Limits limits_;
  std::size_t total_ = 0;
  std::unordered_map<std::uint64_t, std::size_t> by_prefix_;
  // In the order of time; part of the counts above.
  std::deque<Failure> failures_;
};

}  // namespace gatehouse
