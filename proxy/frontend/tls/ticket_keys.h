// The keys that encrypt TLS session tickets, shared by all workers so that a session resumes on any of them. Usually
// one set for the whole process, kept across reloads: the current key and two former ones are accepted, and a new one
// is made every 12 hours, on first use after that. Or what files say, which several machines share: the first key
// encrypts, all are accepted, and nothing changes until the files are loaded again. Any thread (a lock that only
// handshakes take).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include "common/clock.h"
#include "common/result.h"

namespace gatehouse {

class TicketKeys {
 public:
  static constexpr std::chrono::hours kRotation{12};
  static constexpr std::size_t kNameSize = 16;

  struct Key {  // every copy is wiped when it goes
    ~Key();
    std::array<std::uint8_t, kNameSize> name{};
    std::array<std::uint8_t, 32> cipher{};
    std::array<std::uint8_t, 32> mac{};
  };
  struct Found {
    Key key;
    bool current = true;  // false: accept the ticket, and send a new one
  };

  // A key in a file: its name, the key of its HMAC, the key of its cipher (the order that nginx has).
  static constexpr std::size_t kFileSize = kNameSize + 32 + 32;

  explicit TicketKeys(const Clock& clock = Clock::system());
  // REQUIRES: files is not empty
  static Result<std::shared_ptr<TicketKeys>> load(const std::vector<std::string>& files);
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  Key current();
  std::optional<Found> find(std::span<const std::uint8_t> name);

 private:
  void rotate_if_due();

  const Clock& clock_;
  std::mutex mutex_;
  std::vector<Key> keys_;  // the first encrypts, those made here: newest first
  bool from_files_ = false;
  MonotonicTime made_{};
};

}  // namespace gatehouse
