// Reads a status line, version SP status [SP reason] CR LF (RFC 9112 section 4), as its bytes come in pieces of any size.
// A member of H1Head, and like it of one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "proxy/http/h1/h1_outcome.h"
#include "proxy/http/h1/h1_version.h"

namespace gatehouse {

class H1StatusLine {
 public:
  // `max_bytes` is for the line with its CR.
  explicit H1StatusLine(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Before a line; forgets the last one.
  void begin();
  // Takes bytes off the front of `at`..`end`, and none behind the line.
  H1Outcome read(const char*& at, const char* end);

  // Three digits, whatever they mean; 0 before them.
  int status() const { return status_; }
  // The reason phrase, if it is another than the registered one and can be passed on: valid (RFC 9112 section 4) and at
  // most 256 bytes long. Else empty.
  std::string& reason() { return reason_; }
  int minor_version() const { return version_.minor(); }

 private:
  // kBehindStatus: a space, and then a reason, or the CR.
  enum class Part : std::uint8_t { kVersion, kSpace, kStatus, kBehindStatus, kReason, kLf };

  // All but the LF.
  H1Outcome read_text(const char*& at, const char* end);
  bool take(char c);
  void end_reason();

  const std::size_t max_bytes_;
  Part part_ = Part::kVersion;
  std::uint8_t digits_ = 0;
  std::size_t size_ = 0;
  int status_ = 0;
  std::string reason_;
  H1Version version_;
};

}  // namespace gatehouse
