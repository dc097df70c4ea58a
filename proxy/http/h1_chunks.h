// Takes the chunked coding (RFC 9112 section 7.1) off a body whose bytes come in pieces. Stricter than the grammar
// where parsers have been seen to differ: no white space, no sign, lines of at most 256 bytes, extensions read and
// dropped but only whole ones, and no more framing than the data is worth. A member of the parser; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse {

class H1Chunks {
 public:
  enum class Outcome { kMore, kData, kLastChunk, kBad };
  struct Step {
    Outcome outcome = Outcome::kMore;
    std::size_t consumed = 0;
    std::string_view data;
  };

  void begin() { *this = {}; }
  Step decode(std::string_view input);  // until there is data, or the line of the last chunk has ended

 private:
  enum class At : std::uint8_t {
    kSize,
    kExtensionName,
    kExtensionValue,
    kExtensionToken,
    kQuoted,
    kQuotedPair,
    kAfterQuoted,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf
  };
  bool take(char c);  // one byte of framing; false if it is wrong
  bool fits_line(char c);
  bool take_size(char c);
  bool take_extension(char c);
  bool end_extension_part(char c);
  bool end_size_line();

  At at_ = At::kSize;
  std::uint8_t digits_ = 0;
  std::uint16_t line_size_ = 0;
  bool part_empty_ = true;  // of the extension name or token that is being read
  std::uint64_t left_ = 0;  // of this chunk
  std::uint64_t payload_ = 0;
  std::uint64_t overhead_ = 0;
};

}  // namespace gatehouse
