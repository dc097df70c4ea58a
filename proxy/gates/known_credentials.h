// Names and passwords that were verified a moment ago, so that not every request costs a hash that was made to be slow.
// What is kept is a digest of both under a key of this object's own, which no list of passwords can be made for; what
// was refused is not kept. Shared by all workers: any thread.
//
//   HMAC(key, name, password) -> one of 16 parts: a mutex, digest -> until when
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/clock.h"

namespace gatehouse {

class KnownCredentials {
 public:
  // How long a password counts without being verified again.
  static constexpr std::chrono::seconds kLife{60};
  static constexpr std::size_t kMostOfPart = 512;

  KnownCredentials();
  KnownCredentials(const KnownCredentials&) = delete;
  KnownCredentials& operator=(const KnownCredentials&) = delete;

  // By which both are known here.
  std::string digest(std::string_view name, std::string_view password) const;
  bool has(const std::string& digest, MonotonicTime now) const;
  // They were found to be right. Where there is no room, another one is forgotten.
  void add(const std::string& digest, MonotonicTime now);

 private:
  struct Part {
    mutable std::mutex mutex;
    std::unordered_map<std::string, MonotonicTime> until;
  };
  static constexpr std::size_t kParts = 16;
  static std::size_t part_of(const std::string& digest) { return static_cast<unsigned char>(digest.front()) % kParts; }

  std::string key_;
  std::array<Part, kParts> parts_;
};

}  // namespace gatehouse
