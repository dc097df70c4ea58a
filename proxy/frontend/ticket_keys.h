// The keys that encrypt TLS session tickets: one set for the whole process, made by the server, shared by all workers
// and kept across reloads, so that a session resumes on any worker. The current key and two former ones are accepted; a
// new one is made every 12 hours, on first use after that. Any thread (a lock that only handshakes take).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

#include <openssl/ssl.h>

#include "common/clock.h"

namespace gatehouse {

class TicketKeys {
 public:
  static constexpr std::chrono::hours kRotation{12};
  static constexpr std::size_t kNameSize = 16;

  struct Key {
    std::array<std::uint8_t, kNameSize> name{};
    std::array<std::uint8_t, 32> cipher{};
    std::array<std::uint8_t, 32> mac{};
  };
  struct Found {
    Key key;
    bool current = true;  // false: accept the ticket, and send a new one
  };

  explicit TicketKeys(const Clock& clock = Clock::system());
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  Key current();
  std::optional<Found> find(std::span<const std::uint8_t> name);

 private:
  void rotate_if_due();

  const Clock& clock_;
  std::mutex mutex_;
  std::array<Key, 3> keys_;  // newest first
  std::size_t count_ = 0;
  MonotonicTime made_{};
};

}  // namespace gatehouse
