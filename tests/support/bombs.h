// Header blocks that stand for far more than they are: one entry of the dynamic table, and references of a byte each to
// it. For h2 (HPACK, RFC 7541) and h3 (QPACK, RFC 9204); of no thread.
#pragma once

#include <cstdint>
#include <string>

namespace gatehouse::testing_support {

inline constexpr std::size_t kBombEntry = 4000;  // bytes of the value that each reference stands for

// A number with a prefix of `bits` bits, the bits above it from `first` (RFC 7541 section 5.1).
inline std::string prefixed(std::size_t number, unsigned bits, std::uint8_t first) {
  const std::size_t most = (1U << bits) - 1;
  if (number < most) return {static_cast<char>(first | number)};
  std::string out = {static_cast<char>(first | most)};
  for (number -= most; number >= 128; number /= 128) out += static_cast<char>(number % 128 + 128);
  return out += static_cast<char>(number);
}

// A head that inserts the entry `b: vvv...`; one that does not; and as many references to it as asked.
inline std::string hpack_head() {
  return "\x82\x86\x84\x01\x01"
         "a";  // GET, http, /, :authority: a
}
inline std::string hpack_insert() {
  return "\x40\x01"
         "b" +
         prefixed(kBombEntry, 7, 0) + std::string(kBombEntry, 'v');
}
inline std::string hpack_references(std::size_t count) {
  return std::string(count, '\xbe');
}

// The client's QPACK encoder stream with the same entry, its type in front; `value` instead of v's, if given.
inline std::string qpack_encoder_stream(const std::string& name = "b", std::string value = {}) {
  if (value.empty()) value = std::string(kBombEntry, 'v');
  return "\x02" + prefixed(4096, 5, 0x20) + prefixed(name.size(), 5, 0x40) + name + prefixed(value.size(), 7, 0) +
         value;
}
// A field section that knows one insertion: GET, https, /, :authority: a.
inline std::string qpack_head() {
  return {'\x02', '\0', '\xd1', '\xd7', '\xc1', '\x50', '\x01', 'a'};
}
inline std::string qpack_references(std::size_t count) {
  return std::string(count, '\x80');
}
// A frame of HTTP/3 (RFC 9114 section 7.1) with a length of four bytes.
inline std::string h3_frame(char type, const std::string& payload) {
  const auto byte = [&](unsigned shift) { return static_cast<char>(payload.size() >> shift & 0xff); };
  return std::string{type, static_cast<char>(byte(24) | '\x80'), byte(16), byte(8), byte(0)} + payload;
}

}  // namespace gatehouse::testing_support
