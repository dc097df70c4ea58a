#include "tests/flow/h2_spec.h"

namespace gatehouse::testing_support::h2_spec {

namespace {

using namespace std::string_literals;

constexpr Outcome kMalformed = resets(NGHTTP2_PROTOCOL_ERROR);
const std::string kMethod = "\x82";
const std::string kScheme = "\x86";
const std::string kPath = "\x84";
const std::string kAuthority = h2_literal(":authority", "a");

// A GET with one field more.
std::string with(std::string_view name, std::string_view value) {
  return head(1, kGet + h2_literal(name, value));
}
// A POST of four bytes and trailers.
std::vector<std::string> trailers(std::string_view name, std::string_view value, std::uint8_t flags = kWhole) {
  return {head(1, kPost, kEndHeaders), data(1, 0), head(1, h2_literal(name, value), flags)};
}
std::vector<std::string> sized(std::string_view length, std::vector<std::string> bodies) {
  bodies.insert(bodies.begin(), head(1, kPost + h2_literal("content-length", length), kEndHeaders));
  return bodies;
}

const Row kRows[] = {
    {"8.1", "trailers that do not end the stream", trailers("x-test", "ok", kEndHeaders), kMalformed, false},
    {"8.1", "trailers", trailers("x-test", "ok"), kAnswered, false},
    {"8.1", "a body shorter than its length", sized("5", {data(1)}), kMalformed, false},
    {"8.1.1", "a body longer than its length", sized("1", {data(1)}), kMalformed, false},
    {"8.1.1", "two pieces longer than their length", sized("1", {data(1, 0, "t"), data(1)}), kMalformed, false},
    {"8.1.1", "a length, and no body", {head(1, kPost + h2_literal("content-length", "1"))}, kMalformed},
    {"8.1.1", "padding does not count", sized("4", {data(1, kEndStream | kPadded, "\3test\0\0\0"s)}), kAnswered, false},
    {"8.2",
     "PUSH_PROMISE",
     {h2_frame(NGHTTP2_PUSH_PROMISE, kEndHeaders, 1, h2_number(3, 4) + kGet)},
     ends(NGHTTP2_PROTOCOL_ERROR)},
    {"8.2.1", "an upper-case name", {with("X-TEST", "ok")}, kMalformed},
    {"8.2.1", "a colon in a name", {with("x:y", "ok")}, kMalformed},
    {"8.2.1", "a space in a name", {with("x y", "ok")}, kMalformed},
    {"8.2.1", "a line in a name", {with("x\r\ny", "ok")}, kMalformed},
    {"8.2.1", "a name beyond ASCII", {with("x\x80", "ok")}, kMalformed},
    {"8.2.1", "an empty name", {with("", "ok")}, kMalformed},
    {"8.2.1", "CR in a value", {with("x", "a\rb")}, kMalformed},
    {"8.2.1", "LF in a value", {with("x", "a\nb")}, kMalformed},
    {"8.2.1", "NUL in a value", {with("x", "a\0b"s)}, kMalformed},
    {"8.2.1", "a line in trailers", trailers("x", "a\r\nb"), kMalformed, false},
    {"8.2.2", "connection", {with("connection", "keep-alive")}, kMalformed},
    {"8.2.2", "keep-alive", {with("keep-alive", "timeout=5")}, kMalformed},
    {"8.2.2", "proxy-connection", {with("proxy-connection", "keep-alive")}, kMalformed},
    {"8.2.2", "upgrade", {with("upgrade", "websocket")}, kMalformed},
    {"8.2.2", "transfer-encoding", {with("transfer-encoding", "chunked")}, kMalformed},
    {"8.2.2", "transfer-encoding in trailers", trailers("transfer-encoding", "chunked"), kMalformed, false},
    {"8.2.2", "te other than trailers", {with("te", "trailers, deflate")}, kMalformed},
    {"8.2.2", "te of trailers", {with("te", "trailers")}, kAnswered},
    {"8.3", "an unknown pseudo field", {with(":test", "ok")}, kMalformed},
    {"8.3", "the pseudo field of answers", {with(":status", "200")}, kMalformed},
    {"8.3", "a pseudo field in trailers", trailers(":method", "POST"), kMalformed, false},
    {"8.3", "a pseudo field behind others", {head(1, h2_literal("x-test", "ok") + kGet)}, kMalformed},
    {"8.3.1", "an empty path", {head(1, kMethod + kScheme + kAuthority + h2_literal(":path", ""))}, kMalformed},
    {"8.3.1", "no method", {head(1, kScheme + kPath + kAuthority)}, kMalformed},
    {"8.3.1", "no scheme", {head(1, kMethod + kPath + kAuthority)}, kMalformed},
    {"8.3.1", "no path", {head(1, kMethod + kScheme + kAuthority)}, kMalformed},
    {"8.3.1", "two methods", {head(1, kGet + kMethod)}, kMalformed},
    {"8.3.1", "two schemes", {head(1, kGet + kScheme)}, kMalformed},
    {"8.3.1", "two paths", {head(1, kGet + kPath)}, kMalformed},
    {"8.3.1", "two authorities", {head(1, kGet + kAuthority)}, kMalformed},
    {"8.3.1", "a method with a space", {head(1, h2_literal(":method", "GE T") + kRest)}, kMalformed},
    {"8.3.1", "a length that is none", {with("content-length", "+5")}, kMalformed},
    {"8.5", "CONNECT with a path", {head(1, h2_literal(":method", "CONNECT") + kPath + kAuthority)}, kMalformed},
};

}  // namespace

std::span<const Row> message_rows() {
  return kRows;
}

}  // namespace gatehouse::testing_support::h2_spec
