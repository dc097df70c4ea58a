// The keys that encrypt TLS session tickets, shared by all workers so that a session resumes on any of them. Either
// made here: the SnapshotBuilder keeps one set for the whole process, across reloads. Or read from files, which
// several machines share: nothing changes until the files are loaded again. Any thread (a lock that only handshakes
// take).
//
//   made here:    current, former, former     a new one goes in front on the first use after 12 hours, the last goes
//   from files:   first, second, ...          in the order of the files
//                 encrypts; all are accepted
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
  // A key's name stands at the front of each ticket, so that the key is found again (RFC 5077 section 4).
  static constexpr std::size_t kNameSize = 16;

  // Every copy is wiped when it goes.
  struct Key {
    ~Key();
    std::array<std::uint8_t, kNameSize> name{};
    std::array<std::uint8_t, 32> cipher{};
    std::array<std::uint8_t, 32> mac{};
  };
  struct Found {
    Key key;
    // False: accept the ticket, and send a new one.
    bool current = true;
  };

  // A key in a file: its name, the key of its HMAC, the key of its cipher (the order that nginx has).
  static constexpr std::size_t kFileSize = kNameSize + 32 + 32;

  // Makes no key before the first one is asked for. `clock` outlives the keys.
  explicit TicketKeys(const Clock& clock = Clock::system());
  // Reads one key from each file. Fails if a file cannot be read or does not have kFileSize bytes of key; the error
  // names it. REQUIRES: `files` is not empty
  static Result<std::shared_ptr<TicketKeys>> load(const std::vector<std::string>& files);
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // The key that encrypts.
  Key current();
  // Returns a copy of the accepted key with this name; nothing if none has it, and the handshake is a full one.
  std::optional<Found> find(std::span<const std::uint8_t> name);

 private:
  // REQUIRES: mutex_ is held
  void rotate_if_due();

  const Clock& clock_;
  std::mutex mutex_;
  // The first encrypts; those made here: newest first.
  std::vector<Key> keys_;
  bool from_files_ = false;
  // When the first one was made.
  MonotonicTime made_{};
};

}  // namespace gatehouse
