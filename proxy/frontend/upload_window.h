// How far a client may send ahead with one upload, on h2 and h3: a little at first, and four times as much whenever the
// endpoint has taken a whole window within the longest of round trips and left next to nothing behind, because then it
// is the window that slows the client. All streams of a connection share what their windows may grow by. Values of
// their owners (UploadWindow of a stream, UploadGrowth of its connection); one loop's thread.
//
//   64 KiB --a window taken--> 256 KiB --> 1 MiB ...      as long as UploadGrowth has something left
//
// It takes a round trip each time. TCP's slow start, which h1 has alone, doubles in that time what it sends: the window
// is ahead of it.
#pragma once

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <utility>

#include "common/clock.h"

namespace gatehouse {

// The growth of all windows of one connection.
class UploadGrowth {
 public:
  // Enough for 20 MB/s at 100 ms.
  static constexpr std::size_t kMost = 2 * 1024 * 1024UL;

  // By `most` all windows grow together.
  explicit UploadGrowth(std::size_t most = kMost) : most_(most) {}

  // Returns how much of `wanted` there is; it counts until give_back().
  std::size_t take(std::size_t wanted) {
    const std::size_t granted = std::min(wanted, most_ - taken_);
    taken_ += granted;
    return granted;
  }
  // REQUIRES: so much was taken
  void give_back(std::size_t granted) {
    assert(granted <= taken_);
    taken_ -= granted;
  }
  std::size_t taken() const { return taken_; }

 private:
  std::size_t most_;
  std::size_t taken_ = 0;
};

class UploadWindow {
 public:
  // No round trip counts as longer than this: a client that needs more time for a window has other limits.
  static constexpr std::chrono::seconds kLongestRoundTrip{1};

  explicit UploadWindow(std::size_t first) : first_(first), size_(first) {}

  // The endpoint has taken `count` bytes and left `behind` of what has come. Returns by how much the window is to grow
  // now, 0 as a rule.
  std::size_t grow(std::size_t count, std::size_t behind, MonotonicTime now, UploadGrowth& growth) {
    if (now - since_ > kLongestRoundTrip) {
      since_ = now;
      counted_ = 0;
    }
    counted_ += count;
    if (counted_ < size_ || behind > size_ / kNextToNothing) return 0;
    since_ = now;
    counted_ = 0;
    const std::size_t granted = growth.take((kFactor - 1) * size_);
    size_ += granted;
    return granted;
  }
  // Returns what it has grown by, for the caller to give back, once.
  std::size_t shrink() { return std::exchange(size_, first_) - first_; }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kFactor = 4;
  // A share of the window.
  static constexpr std::size_t kNextToNothing = 4;

  std::size_t first_;
  std::size_t size_;
  // What was taken since then.
  std::size_t counted_ = 0;
  MonotonicTime since_{};
};

}  // namespace gatehouse
