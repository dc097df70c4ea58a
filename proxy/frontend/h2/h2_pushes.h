// What one connection has promised to push. A member of its H2Connection, on its thread. Bounded: kMost targets in the
// life of a connection, each once, as the client keeps what it was pushed.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_set>

namespace gatehouse {

class H2Pushes {
 public:
  static constexpr std::size_t kMost = 1000;

  // Whether the URL may be promised: it was not, and there were not too many.
  bool note(std::string url) { return urls_.size() < kMost && urls_.insert(std::move(url)).second; }
  // A stream of ours begins, or has ended.
  void opened() {
    ++open_;
    ++cancellable_;
  }
  void closed() { --open_; }
  std::size_t open() const { return open_; }
  // The client wants none of it: once for each stream, even where it has ended by then, that is no abuse.
  bool excuses_reset() {
    if (cancellable_ == 0) return false;
    --cancellable_;
    return true;
  }

 private:
  std::unordered_set<std::string> urls_;
  std::size_t open_ = 0;
  std::size_t cancellable_ = 0;
};

}  // namespace gatehouse
