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
  // For kKnown only.
  std::uint64_t bytes = 0;

  static BodyLength none() { return {}; }
  static BodyLength known(std::uint64_t bytes) { return {.kind = Kind::kKnown, .bytes = bytes}; }
  static BodyLength unknown() { return {.kind = Kind::kUnknown}; }
  // Whether not a single body byte can follow.
  bool is_empty() const { return kind == Kind::kNone || (kind == Kind::kKnown && bytes == 0); }
};

// What a codec has read before field_rules has judged it. h2 and h3 fill scheme and authority from the pseudo-fields;
// h1 leaves them empty, and everything else (Host, Content-Length, Transfer-Encoding, ...) is in `fields`.
struct RawRequest {
  Protocol protocol = Protocol::kH1;
  // It arrived over TLS or QUIC.
  bool secure = false;
  std::string method;
  // As sent: origin, absolute or asterisk form (RFC 9112 section 3.2); for h2 and h3 :path.
  std::string target;
  std::string scheme;
  std::string authority;
  // Whether :authority was sent, be it empty.
  bool has_authority = false;
  // :protocol of an extended CONNECT (RFC 8441, RFC 9220).
  std::string protocol_asked;
  FieldList fields;
  // For h2 and h3: END_STREAM or FIN came with the head.
  bool end_of_message = false;
  // More was sent than a head may have: `fields` are cut short, or `target` is one byte beyond its limit.
  bool too_large = false;
};

// A request that field_rules has let through, or what is known of one that it refused.
struct RequestHead {
  Protocol protocol = Protocol::kH1;
  bool secure = false;
  std::string method;
  // host[:port] in lower case, with no trailing dot; empty only for HTTP/1.0 without Host.
  std::string authority;
  // Origin form (or "*") as the client sent it.
  std::string target;
  // It must not be forwarded as it is: target::escaped().
  bool target_needs_escapes = false;
  // The path may have other readings than its canonical form: target::path_readings().
  bool path_is_ambiguous = false;
  // What target::canonical_path() makes of the path, where that differs from path(); else empty. Read it by
  // canonical_path().
  std::string match_path;
  FieldList fields;
  BodyLength body;
  // What the connection, or the stream, is to become: "websocket", in lower case; empty: nothing. On h2 and h3 it was
  // an extended CONNECT, which is a GET by now: the same request on all protocols. Nothing of what the client sends
  // belongs to an endpoint before it has answered 101.
  std::string upgrade;
  // The client waits for 100 before it sends the body (RFC 9110 section 10.1.1), and has not been given it yet.
  bool expects_continue = false;
  // The client sent "TE: trailers", or speaks h2 or h3.
  bool accepts_trailers = false;

  // Returns the authority without port, and without the brackets of an IPv6 address.
  std::string_view host() const;
  // Returns the target up to "?".
  std::string_view path() const;
  // Returns what is behind "?"; empty if there is none.
  std::string_view query() const;
  // The path for every decision: routing (with its other readings), hashing, admin pages.
  std::string_view canonical_path() const { return match_path.empty() ? path() : std::string_view(match_path); }
  bool is_head() const { return method == "HEAD"; }
  bool asks_for_tunnel() const { return !upgrade.empty(); }
  bool asks_for_websocket() const { return upgrade == "websocket"; }
  // GET, HEAD, OPTIONS, TRACE (RFC 9110 section 9.2.1).
  bool is_safe() const;
  // The safe ones, PUT and DELETE (RFC 9110 section 9.2.2): a request that may run twice.
  bool is_idempotent() const;
};

// What an endpoint gets instead of, and besides, what a request's head says; the head itself stays the client's. Empty:
// as in the head, or nothing. A view: refers to what others keep.
struct RequestOverlay {
  std::string_view authority = {};
  std::string_view target = {};
  std::string_view content_type = {};
  // The endpoint is asked to become this; the head's own wish is not passed on without it.
  std::string_view upgrade = {};
  // No field of the head has this name.
  std::string_view extra_name = {};
  std::string_view extra_value = {};
  // The endpoint is asked for 100, or for its refusal, before the body comes.
  bool expects_continue = false;
};

struct ResponseHead {
  // 100 to 999; those from 600 on have no class and are final.
  std::uint16_t status = 200;
  // What h1 says behind the status; empty: reason_phrase(status). h2 and h3 have no such thing.
  std::string reason = {};
  FieldList fields;
  // As announced; for HEAD and 304 it is what a GET would have had.
  BodyLength body;

  bool is_interim() const { return status >= 100 && status < 200 && !opens_tunnel(); }
  // From here on both bodies are bytes without framing, and each ends by itself (RFC 9110 section 15.2.2). On h2 and h3
  // it leaves as 200.
  bool opens_tunnel() const { return status == 101; }
};

// Whether the answer to `method` with `status` can have body bytes at all (RFC 9112 section 6.3).
bool may_have_body(std::string_view method, std::uint16_t status);
// Returns the registered phrase ("Not Found"); empty for a status that has none.
std::string_view reason_phrase(std::uint16_t status);

}  // namespace gatehouse
