// Reads a request line, method SP target SP version CR LF (RFC 9112 section 3), as its bytes come in pieces of any size.
// No allowance is made: one space, not two, and no tab. A method may be any token of up to 32 bytes but PRI, which
// begins HTTP/2 with prior knowledge (RFC 9113 section 3.4), unasked. A member of H1Head, and like it of one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "proxy/http/h1/h1_outcome.h"
#include "proxy/http/h1/h1_target.h"
#include "proxy/http/h1/h1_version.h"

namespace gatehouse {

class H1RequestLine {
 public:
  // `max_target` is in bytes.
  explicit H1RequestLine(std::size_t max_target) : max_target_(max_target) {}

  // Before a line; forgets the last one.
  void begin();
  // Takes bytes off the front of `at`..`end`, and none behind the line.
  H1Outcome read(const char*& at, const char* end);

  // What has been read so far; the parser moves both away.
  std::string& method() { return method_; }
  std::string& target() { return target_; }
  int minor_version() const { return version_.minor(); }

 private:
  enum class Part : std::uint8_t { kMethod, kTarget, kVersion, kCr, kLf };

  H1Outcome read_method(const char*& at, const char* end);
  H1Outcome read_target(const char*& at, const char* end);
  H1Outcome read_part(const char*& at, const char* end);

  const std::size_t max_target_;
  Part part_ = Part::kMethod;
  std::string method_;
  std::string target_;
  // The place in the target.
  H1Target form_;
  H1Version version_;
};

}  // namespace gatehouse
