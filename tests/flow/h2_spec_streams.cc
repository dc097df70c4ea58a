#include "tests/flow/h2_spec.h"

namespace gatehouse::testing_support::h2_spec {

namespace {

const std::string kUnknown = h2_frame(0x16, 0, 0, std::string(8, '\0'));
const std::string kBig(16384, 'x');

const Row kRows[] = {
    {"3.4", "frame of an unknown type", {kUnknown, ping()}, kPing},
    {"4.1", "undefined flags", {h2_frame(NGHTTP2_PING, 0x16, 0, std::string(8, '\0'))}, kPing},
    {"4.1", "reserved bit", {h2_frame(NGHTTP2_PING, 0x16, INT32_MIN, std::string(8, '\0'))}, kPing},
    {"4.2", "DATA of 2^14 bytes", {head(1, kPost, kEndHeaders), data(1, kEndStream, kBig)}, kAnswered, false},
    {"4.2",
     "DATA beyond it",
     {head(1, kPost, kEndHeaders), data(1, kEndStream, kBig + "x")},
     ends(NGHTTP2_FRAME_SIZE_ERROR)},
    {"4.2", "HEADERS beyond it", {head(1, kGet + kBig)}, ends(NGHTTP2_FRAME_SIZE_ERROR)},
    {"4.3", "invalid header block", {head(1, "\x40")}, ends(NGHTTP2_COMPRESSION_ERROR)},
    {"4.3",
     "PRIORITY within a header block",
     {head(1, kGet, 0), priority(1, 0), more(1)},
     ends(NGHTTP2_PROTOCOL_ERROR)},
    {"4.3",
     "HEADERS of another stream within a header block",
     {head(1, kGet, 0), head(3), more(1)},
     ends(NGHTTP2_PROTOCOL_ERROR)},
    {"5.1", "idle: DATA", {data(1)}, ends(NGHTTP2_PROTOCOL_ERROR)},
    {"5.1", "idle: RST_STREAM", {h2_reset(1)}, ends(NGHTTP2_PROTOCOL_ERROR)},
    {"5.1", "idle: WINDOW_UPDATE", {h2_window_update(1, 100)}, ends(NGHTTP2_PROTOCOL_ERROR)},
    {"5.1", "idle: CONTINUATION", {more(1)}, ends(NGHTTP2_PROTOCOL_ERROR)},
    {"5.1", "half closed: DATA", {head(1), data(1)}, ends(NGHTTP2_STREAM_CLOSED), false},
    {"5.1", "half closed: HEADERS", {head(1), head(1)}, ends(NGHTTP2_STREAM_CLOSED), false},
    {"5.1", "half closed: CONTINUATION", {head(1), more(1)}, ends(NGHTTP2_PROTOCOL_ERROR), false},
    {"5.1", "half closed, in one go", {head(1) + data(1)}, ends(NGHTTP2_STREAM_CLOSED), false},
    {"5.1", "reset: DATA", {head(1, kPost, kEndHeaders), h2_reset(1), data(1)}, resets(NGHTTP2_STREAM_CLOSED), false},
    {"5.1",
     "reset: HEADERS",
     {head(1, kPost, kEndHeaders), h2_reset(1), head(1)},
     resets(NGHTTP2_STREAM_CLOSED),
     false},
    {"5.1",
     "reset: CONTINUATION",
     {head(1, kPost, kEndHeaders), h2_reset(1), more(1)},
     ends(NGHTTP2_PROTOCOL_ERROR),
     false},
    {"5.1",
     "reset, in one go: DATA",
     {head(1, kPost, kEndHeaders) + h2_reset(1) + data(1)},
     resets(NGHTTP2_STREAM_CLOSED),
     false},
    {"5.1",
     "reset: WINDOW_UPDATE and RST_STREAM cross",
     {head(1), h2_reset(1), h2_window_update(1, 9) + h2_reset(1), ping()},
     kPing,
     false},
    {"5.1", "closed: DATA", {head(1), data(1)}, ends(NGHTTP2_STREAM_CLOSED)},
    {"5.1", "closed: HEADERS", {head(1), head(1)}, ends(NGHTTP2_STREAM_CLOSED)},
    {"5.1", "closed: CONTINUATION", {head(1), more(1)}, ends(NGHTTP2_PROTOCOL_ERROR)},
    {"5.1",
     "closed: WINDOW_UPDATE, RST_STREAM and PRIORITY cross",
     {head(1), h2_window_update(1, 9) + priority(1, 3) + h2_reset(1), ping()},
     kPing},
    {"5.1",
     "closed by us: DATA and trailers cross",
     {head(1, kPost, kEndHeaders), data(1, 0), head(1, h2_literal("x-trailer", "y")), ping()},
     kPing},
    {"5.1.1", "even id", {head(2)}, ends(NGHTTP2_PROTOCOL_ERROR)},
    {"5.1.1", "lower id", {head(5), head(3)}, ends(NGHTTP2_PROTOCOL_ERROR)},
    {"5.1.1", "lower id, in one go", {head(5) + head(3)}, ends(NGHTTP2_PROTOCOL_ERROR), false},
    {"5.1.1", "lower id, far below", {head(1001), head(871)}, ends(NGHTTP2_PROTOCOL_ERROR)},
    {"5.1.1", "ids that are left out", {head(1), head(5), head(1001), head(1003), ping()}, kPing},
    {"5.1.2", "one stream too many", {head(1), head(3), head(5), head(7)}, resets(NGHTTP2_REFUSED_STREAM, 7), false},
    {"5.3.1",
     "HEADERS that depend on themselves",
     {head(1, h2_number(1, 4) + '\xff' + kGet, kWhole | NGHTTP2_FLAG_PRIORITY)},
     ends(NGHTTP2_PROTOCOL_ERROR)},
    {"5.3.1", "PRIORITY of an idle stream on itself", {priority(1, 1)}, ends(NGHTTP2_PROTOCOL_ERROR)},
    {"5.3.1", "PRIORITY of a stream on itself", {head(1), priority(1, 1)}, resets(NGHTTP2_PROTOCOL_ERROR), false},
    {"5.4.1",
     "error of the connection",
     {h2_frame(NGHTTP2_PING, 0, 3, std::string(8, '\0'))},
     ends(NGHTTP2_PROTOCOL_ERROR)},
    {"5.5", "unknown frame within a header block", {head(1, kGet, kEndStream), kUnknown}, ends(NGHTTP2_PROTOCOL_ERROR)},
};

}  // namespace

std::span<const Row> stream_rows() {
  return kRows;
}

}  // namespace gatehouse::testing_support::h2_spec
