// Which bytes a request target may consist of, told byte by byte: one automaton for its four forms (RFC 9112 section
// 3.2). It is what llhttp enforces, and lets bytes from 0x80 on pass besides, which some clients send; target.h decides
// later what the target means. A member of whoever reads a request line.
//
//   kStart ----"/", "*"---------------------------------------------> kRest   any visible bytes
//      `--letter--> kScheme --":"--> kColon --"/"--> kSlash              ^
//                                                      |"/"             | "/", "?"
//   kAuthorityStart (CONNECT) ----------------------> kAuthority <--> kAfterAt
#pragma once

#include <cstdint>

namespace gatehouse {

class H1Target {
 public:
  // Before a target; that of CONNECT is an authority alone.
  void begin(bool of_connect) { part_ = of_connect ? Part::kAuthorityStart : Part::kStart; }
  // Returns the first byte from `at` on that the target cannot go on with, or `end`. A space is such a byte: whether the
  // target may end there says may_end().
  const char* read(const char* at, const char* end);
  bool may_end() const { return part_ >= Part::kAuthority; }

 private:
  enum class Part : std::uint8_t { kStart, kScheme, kColon, kSlash, kAuthorityStart, kAuthority, kAfterAt, kRest };

  bool take(char c);
  // Returns true.
  bool go_on_in(Part part);

  Part part_ = Part::kStart;
};

}  // namespace gatehouse
