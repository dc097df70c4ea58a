// Watches what the fields of a head say of the length of its body, while their bytes come. Nothing is decided here:
// framing::body_length() does that once the head is whole. But a head in which it could find no length is refused at
// the byte that says so, and so is what other readers of HTTP would take for another length, though it would not:
//
//   a tab behind a Content-Length, or behind "chunked"   (some readers trim spaces only)
//
// A member of H1Fields, which calls the functions in the order in which they stand, for each field that concerns().
#pragma once

#include <cstdint>

#include "proxy/http/field_list.h"

namespace gatehouse {

class H1Framing {
 public:
  // Of a request; in an answer codings may stand behind chunked (RFC 9112 section 6.1).
  enum class Of : std::uint8_t { kRequest, kResponse };

  explicit H1Framing(Of of) : of_(of) {}

  static bool concerns(FieldName name) {
    return name == FieldName::kContentLength || name == FieldName::kTransferEncoding;
  }
  // Before a head.
  void begin() { *this = H1Framing(of_); }
  // The name of a field has come. False: it must not stand beside one that came before (RFC 9112 section 6.3).
  bool begin_field(FieldName name);
  // A value follows that is not empty. False: there must not be another one.
  bool begin_value(FieldName name);
  // Returns the first byte from `at` on that is no part of the value, `end` if there is none. If it is no CR the value
  // is invalid.
  const char* read_value(FieldName name, const char* at, const char* end);
  // The line has ended. False: a value is missing.
  bool end_field(FieldName name, bool empty);
  // Whether every reader takes the coding that came last for chunked.
  bool chunked() const { return chunked_; }

 private:
  const char* read_length(const char* at, const char* end);
  const char* read_codings(const char* at, const char* end);
  void match_chunked(char c);

  Of of_;
  bool has_length_ = false;
  bool has_coding_ = false;
  bool chunked_ = false;
  // The digits are over.
  bool length_ended_ = false;
  // How much of "chunked" the element of the list is so far, or kOther.
  std::uint8_t matched_ = 0;
  std::uint64_t length_ = 0;
};

}  // namespace gatehouse
