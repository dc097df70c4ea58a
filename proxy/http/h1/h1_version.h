// The version in a start line, read as its bytes come: "HTTP/", digit, dot, digit (RFC 9112 section 2.3). A member of
// whoever reads a start line.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/http/h1/h1_outcome.h"

namespace gatehouse {

class H1Version {
 public:
  void begin() { *this = {}; }
  // Takes bytes off the front of `at`..`end`, and none behind the last digit. kUnknownVersion: there never was such a
  // version. The others, 0.9 and 2.0, are for minor() to tell apart: a head that speaks of them may be malformed.
  H1Outcome read(const char*& at, const char* end);
  // Of HTTP/1; -1 for any other major version, and while it is not known.
  int minor() const { return size_ == kForm.size() && major_ == 1 ? minor_ : -1; }

 private:
  // 'd' is a digit.
  static constexpr std::string_view kForm = "HTTP/d.d";

  bool is_known() const;

  // Bytes of it seen.
  std::uint8_t size_ = 0;
  std::int8_t major_ = 0;
  std::int8_t minor_ = 0;
};

}  // namespace gatehouse
