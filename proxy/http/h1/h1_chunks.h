// Takes the chunked coding (RFC 9112 section 7.1) off a body whose bytes come in pieces. Stricter than the grammar
// where parsers have been seen to differ: no white space (but for blanks behind a size, where that is asked for), no
// sign, lines of at most 256 bytes, extensions read and
// dropped but only whole ones, and no more framing than the data is worth. A member of the parser; one thread.
//
//   kSize --;--> kExtension... --CR--> kSizeLf --LF--> kData --> kDataCr --> kDataLf --> kSize
//     |                                  ^  |
//     +-------------- CR ----------------+  +-- LF, size 0 --> kLastChunk
//     (kSize --blank--> kBlanks..., and on as kSize)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/policy/balancing.h"

namespace gatehouse {

class H1Chunks {
 public:
  enum class Outcome { kMore, kData, kLastChunk, kBad };
  // kMore: all input is consumed, and more is needed. kData: `data`, a view of the input, is the next piece of the
  // body. kLastChunk: the line of the last chunk has ended, and trailers follow, which are not read here. kBad: the
  // coding is wrong; the decoder is of no use until begin().
  struct Step {
    Outcome outcome = Outcome::kMore;
    std::size_t consumed = 0;
    std::string_view data;
  };

  // Starts on a new body. kLenient: blanks behind the size of a chunk are skipped.
  void begin(Tolerance tolerance) {
    *this = {};
    lenient_ = tolerance == Tolerance::kLenient;
  }
  // Whether there were any in this body.
  bool skipped_blanks() const { return skipped_blanks_; }
  // Reads until there is data, or the line of the last chunk has ended.
  Step decode(std::string_view input);

 private:
  enum class At : std::uint8_t {
    kSize,
    kBlanks,
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
  // Takes one byte of framing; false if it is wrong.
  bool take(char c);
  bool fits_line(char c);
  bool take_size(char c);
  bool take_extension(char c);
  bool end_extension_part(char c);
  // False if framing has become more than 8 KiB, and more than 16 bytes for each byte of data.
  bool end_size_line();

  At at_ = At::kSize;
  bool lenient_ = false;
  bool skipped_blanks_ = false;
  std::uint8_t digits_ = 0;
  std::uint16_t line_size_ = 0;
  // Of the extension name or token that is being read.
  bool part_empty_ = true;
  // Bytes of this chunk that are still to come; while its size is read, the size so far.
  std::uint64_t left_ = 0;
  std::uint64_t payload_ = 0;
  std::uint64_t overhead_ = 0;
};

}  // namespace gatehouse
