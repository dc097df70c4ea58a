// A few threads for steps of gates that take a core or a file: hashes of passwords, tickets of Kerberos. What waits is
// bounded, in all and of each client, and clients take turns, so that one who guesses passwords keeps nobody else
// waiting for longer than it takes to verify one. Shared by the gates of a snapshot and of the next one; run() is for
// any loop's thread.
//
//   turns:   client A, client B, client C          the next step is A's first; then A stands behind C
//   waiting: A: [step, step, step]  B: [step]  C: [step, step]
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/address.h"

namespace gatehouse {

class StepThreads {
 public:
  struct Limits {
    unsigned threads = 2;
    // That may wait, beside those that run.
    std::size_t waiting = 256;
    std::size_t of_client = 32;
  };
  using Client = std::uint64_t;
  using Step = std::move_only_function<void()>;

  // Starts no thread before there is a step.
  explicit StepThreads(Limits limits) : limits_(limits) {}
  // What waits is dropped; what runs is waited for.
  ~StepThreads();
  StepThreads(const StepThreads&) = delete;
  StepThreads& operator=(const StepThreads&) = delete;

  // An address of IPv4, a /64 of IPv6, or all clients of Unix sockets.
  static Client client_of(const Address& address);

  // Has this done in its turn. The step owns all that it needs. False: too many wait already.
  bool run(Client client, Step step);

 private:
  void work();
  void start_threads();

  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<Client, std::deque<Step>> waiting_;
  std::deque<Client> turns_;
  std::size_t count_ = 0;
  bool ends_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gatehouse
