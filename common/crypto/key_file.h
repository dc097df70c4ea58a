// Keys that people make and machines share (session tickets, the secret of a fleet): a file with nothing in it but the
// key, as its bytes, as hexadecimal digits or as base64; and passphrases. What was read is wiped from memory with its
// owner. Any thread; start, reload and `gatehouse check` only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"

namespace gatehouse::key_file {

// Bytes that are overwritten when they are no longer needed. It moves and is never copied, so that there is one of it.
class Key {
 public:
  // All zero, to be filled through bytes().
  explicit Key(std::size_t size) : bytes_(size) {}
  ~Key();
  Key(Key&&) = default;
  Key& operator=(Key&&) = delete;
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;

  std::span<std::uint8_t> bytes() { return bytes_; }
  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

// Reads a key of `size` bytes. A file of exactly that size is the key itself; of any other, spaces and line ends are
// left out, and the rest is hexadecimal or base64. Bytes that are all the same are refused as no secret. Errors name
// the file and say how to make a right one. REQUIRES: 0 < size <= 1000
Result<Key> load(const std::string& file, std::size_t size);

// Reads a passphrase: the first line of the file without its end, and a zero byte behind it, as OpenSSL wants it.
// Errors name the file.
Result<Key> load_passphrase(const std::string& file);

}  // namespace gatehouse::key_file
