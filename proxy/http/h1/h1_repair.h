// Makes what the strict readers take of a response's head that is not quite HTTP, as its bytes come in pieces: for
// endpoints of an upstream with tolerance = "lenient". Whatever is not in this table stays as it came, and is refused.
//
//   a line that LF alone ends                   CR LF
//   a field that goes on in the next line       one line: a space in place of the line's end (RFC 9112 section 5.2)
//   the same Content-Length again               once (RFC 9110 section 8.6)
//
// Never shorter than what came by more than a few fields, so that the limits of those who read it hold. A member of the
// parser; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/http/counters.h"

namespace gatehouse {

class H1Repair {
 public:
  // `text` is what is to be read in place of the first `consumed` bytes: a view that the next call ends. Nothing is
  // consumed behind the empty line that ends the head.
  struct Step {
    std::string_view text;
    std::size_t consumed = 0;
  };

  // Starts on a new head. What was repaired before is still known.
  void begin();
  Step mend(std::string_view input);
  // Of all heads so far.
  const Repairs& made() const { return made_; }

 private:
  enum class Line : std::uint8_t {
    kStatus,
    // So far it may be the beginning of "Content-Length:"; held back.
    kName,
    // It is one; held back.
    kLength,
    // Any other field.
    kOther
  };

  // Returns true if the head ends with this byte.
  bool take(char c);
  void pass(char c);
  // The end of a line is no fold: the line is complete.
  void end_line();
  // False if the length that is held back says once more what has been said.
  bool passes_length();
  void release();

  Line line_ = Line::kStatus;
  // Nothing of this line has been passed or held back.
  bool empty_ = true;
  bool after_cr_ = false;
  // A line has ended, and whether the next one goes on with it is not known yet.
  bool ended_ = false;
  std::uint8_t dropped_ = 0;
  std::string held_;
  // The first Content-Length.
  std::string length_;
  std::string text_;
  Repairs made_;
};

}  // namespace gatehouse
