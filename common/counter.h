// A count that one thread changes and any thread may read: as cheap as a plain integer for the writer, and no race for
// the reader. Member of what counts, as a rule the counters of a worker; read when Prometheus asks and for the status.
//
// Reads and writes are relaxed: two counters that are read one after the other need not be of the same moment.
#pragma once

#include <atomic>
#include <cstdint>

namespace gatehouse {

class Counter {
 public:
  // add(), subtract() and set() are no atomic updates: only the one thread that writes may call them.
  void add(std::uint64_t by = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t by = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - by, std::memory_order_relaxed);
  }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  // Any thread.
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace gatehouse
