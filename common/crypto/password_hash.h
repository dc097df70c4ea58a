// A password as a file of users keeps it: bcrypt, as `htpasswd -B` writes it, or argon2id as a PHC string. What is
// weaker is refused, and so is what would take a core for seconds at every sign-in. A value, immutable: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace gatehouse {

class PasswordHash {
 public:
  // bcrypt: 2^cost rounds; 12 are about 0.2 s.
  static constexpr unsigned kLeastCost = 5;
  static constexpr unsigned kMostCost = 15;
  // argon2id: KiB; passes; lanes.
  static constexpr std::uint32_t kLeastMemory = 7 * 1024;
  static constexpr std::uint32_t kMostMemory = 256 * 1024;
  static constexpr std::uint32_t kMostPasses = 16;
  static constexpr std::uint32_t kMostLanes = 16;

  // The error says what `text` is, and what would be right; it never repeats it.
  static Result<PasswordHash> parse(std::string_view text);

  // Whether it was made of this password. Takes the time that it was made to take, whatever the password; what cannot
  // be computed, for want of memory, does not match. Bytes of bcrypt beyond the 72nd do not count.
  bool matches(std::string_view password) const;

 private:
  // Empty `output`: it is bcrypt.
  struct Argon2 {
    std::string salt;
    std::string output;
    std::uint32_t memory = 0;
    std::uint32_t passes = 0;
    std::uint32_t lanes = 0;
  };

  static Result<PasswordHash> parse_bcrypt(std::string_view text);
  static Result<PasswordHash> parse_argon2(std::string_view text);
  bool matches_bcrypt(std::string_view password) const;
  bool matches_argon2(std::string_view password) const;

  std::string text_;
  Argon2 argon2_;
};

}  // namespace gatehouse
