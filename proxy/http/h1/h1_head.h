// Reads the head of one message after the other, a request's or an answer's, as its bytes come in pieces of any size:
// start line and fields, each byte once. A member of the parser, which judges the head as a whole; one thread.
//
//   H1RequestLine | H1StatusLine -> H1Fields, with H1Framing watching
//
// It is as strict as llhttp without any lenient flag is, and stricter: no bare LF, no obsolete folding, one space in a
// request line, limits. tests/fuzz/h1_head_fuzz.cc holds it against llhttp.
#pragma once

#include <string>
#include <string_view>

#include "proxy/http/h1/h1_fields.h"
#include "proxy/http/h1/h1_outcome.h"
#include "proxy/http/h1/h1_request_line.h"
#include "proxy/http/h1/h1_status_line.h"
#include "proxy/http/limits.h"

namespace gatehouse {

class H1Head {
 public:
  enum class Kind : std::uint8_t { kRequest, kResponse };

  H1Head(Kind kind, const HeadLimits& limits);

  // Before a head; forgets the last one.
  void begin();
  // Reads on. Nothing is consumed behind the empty line that completes the head.
  H1Read read(std::string_view bytes);

  // What has been read so far. The parser moves out of it what it hands on.
  H1RequestLine& request_line() { return request_line_; }
  H1StatusLine& status_line() { return status_line_; }
  H1Fields& fields() { return fields_; }
  // Of HTTP/1; -1 for any other major version.
  int minor_version() const;

 private:
  const Kind kind_;
  bool in_fields_ = false;
  H1RequestLine request_line_;
  H1StatusLine status_line_;
  H1Fields fields_;
};

}  // namespace gatehouse
