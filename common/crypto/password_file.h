// Users and the hashes of their passwords: a file of NAME:HASH lines, as htpasswd writes it. Empty lines and those that
// begin with "#" count for nothing. Read as a whole or not at all, by whoever checks a configuration and whoever puts it
// into force; immutable then: any thread.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/crypto/password_hash.h"
#include "common/result.h"

namespace gatehouse {

class PasswordFile {
 public:
  // What is wrong with one line; line 0: with the file.
  struct Mistake {
    unsigned line = 0;
    std::string message;
  };
  using Mistakes = std::vector<Mistake>;

  // May block. Files of more than 16 MiB are refused.
  static std::expected<PasswordFile, Mistakes> load(const std::string& path);
  static std::expected<PasswordFile, Mistakes> parse(std::string text);

  // Whether `name` has this password. Takes as long for a name that is not there. Takes the time of a hash: not for a
  // loop.
  bool knows(std::string_view name, std::string_view password) const;
  std::size_t size() const { return hashes_.size(); }
  bool same_as(const PasswordFile& other) const { return text_ == other.text_; }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  // Where each name stands.
  using Lines = std::unordered_map<std::string_view, unsigned>;
  Result<> take(std::string_view line, unsigned number, Lines& lines);

  std::string text_;
  std::unordered_map<std::string, PasswordHash, TextHash, std::equal_to<>> hashes_;
  // Of the first user: what a name that is not there is compared with.
  PasswordHash decoy_;
};

}  // namespace gatehouse
