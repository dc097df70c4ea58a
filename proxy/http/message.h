// Heads of requests and answers with no protocol in them. What decides framing (Host, Content-Length,
// Transfer-Encoding, Expect) has become a member and is never in `fields`: each writer makes it anew for its own wire.
// Values that move; one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/http/field_list.h"
#include "proxy/http/protocol.h"

namespace gatehouse {

// How long a body is, before it is read.
struct BodyLength {
  enum class Kind : std::uint8_t { kNone, kKnown, kUnknown };
  Kind kind = Kind::kNone;
  std::uint64_t bytes = 0;  // kKnown only

  static BodyLength none() { return {}; }
  static BodyLength known(std::uint64_t bytes) { return {.kind = Kind::kKnown, .bytes = bytes}; }
  static BodyLength unknown() { return {.kind = Kind::kUnknown}; }
  // True if not a single body byte can follow.
  bool is_empty() const { return kind == Kind::kNone || (kind == Kind::kKnown && bytes == 0); }
};

// What a codec has read before anybody has judged it. h2 and h3 fill scheme and authority from the pseudo-fields; h1
// leaves them empty, and everything else (Host, Content-Length, Transfer-Encoding, ...) is in `fields`.
struct RawRequest {
  Protocol protocol = Protocol::kH1;
  bool secure = false;  // arrived over TLS or QUIC
  std::string method;
  std::string target;  // as sent: origin, absolute or asterisk form; h2/h3: :path
  std::string scheme;
  std::string authority;
  bool has_authority = false;  // :authority was sent, be it empty
  FieldList fields;
  bool end_of_message = false;  // h2/h3: END_STREAM or FIN came with the head
};

struct RequestHead {
  Protocol protocol = Protocol::kH1;
  bool secure = false;
  std::string method;
  std::string authority;   // host[:port] in lower case, no trailing dot; empty only for HTTP/1.0 without Host
  std::string target;      // origin form (or "*") as it is forwarded: path as target::resolved_path gives it
  std::string match_path;  // target::canonical_path of it, for every decision; empty: same as path()
  FieldList fields;
  BodyLength body;
  bool expects_continue = false;
  bool accepts_trailers = false;  // TE: trailers, or h2/h3

  std::string_view host() const;   // authority without port (and without brackets)
  std::string_view path() const;   // target up to '?'
  std::string_view query() const;  // after '?'; empty if none
  std::string_view canonical_path() const { return match_path.empty() ? path() : std::string_view(match_path); }
  bool is_head() const { return method == "HEAD"; }
  bool is_safe() const;        // RFC 9110 section 9.2.1
  bool is_idempotent() const;  // RFC 9110 section 9.2.2
};

struct ResponseHead {
  std::uint16_t status = 200;
  FieldList fields;
  BodyLength body;  // as announced; for HEAD and 304 what a GET would have had

  bool is_interim() const { return status >= 100 && status < 200; }
};

// Whether the answer to `method` with `status` can have body bytes at all (RFC 9112 section 6.3).
bool may_have_body(std::string_view method, std::uint16_t status);
std::string_view reason_phrase(std::uint16_t status);  // "Not Found"; empty for unknown ones

}  // namespace gatehouse
