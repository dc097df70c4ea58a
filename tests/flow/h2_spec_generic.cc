#include "tests/flow/h2_spec.h"

namespace gatehouse::testing_support::h2_spec {

namespace {

using namespace std::string_literals;

std::string huffman(const std::string& field) {
  return head(1, kGet + field);
}

const Row kGeneric[] = {
    {"2", "PRIORITY on an idle stream", {priority(1, 0), ping()}, kPing},
    {"2", "WINDOW_UPDATE on a half-closed stream", {window(0), head(1), h2_window_update(1, 1)}, kData},
    {"2", "PRIORITY on a half-closed stream", {window(0), head(1), priority(1, 0), h2_window_update(1, 1)}, kData},
    {"2", "RST_STREAM on a half-closed stream", {head(1), h2_reset(1), ping()}, kPing, false},
    {"2", "PRIORITY on a closed stream", {head(1), priority(1, 0), ping()}, kPing},
    {"3.1", "DATA", {head(1, kPost, kEndHeaders), data(1)}, kAnswered, false},
    {"3.1", "DATA twice", {head(1, kPost, kEndHeaders), data(1, 0), data(1)}, kAnswered, false},
    {"3.1",
     "DATA with padding",
     {head(1, kPost, kEndHeaders), data(1, kEndStream | kPadded, "\5test\0\0\0\0\0"s)},
     kAnswered,
     false},
    {"3.2", "HEADERS", {head(1)}, kAnswered},
    {"3.2", "HEADERS with padding", {head(1, "\x8"s + kGet + std::string(8, '\0'), kWhole | kPadded)}, kAnswered},
    {"3.2",
     "HEADERS with a priority",
     {head(1, h2_number(0, 4) + '\xff' + kGet, kWhole | NGHTTP2_FLAG_PRIORITY)},
     kAnswered},
    {"3.3", "PRIORITY of 1", {priority(1, 0, 0), head(1)}, kAnswered},
    {"3.3", "PRIORITY of 256", {priority(1, 0), head(1)}, kAnswered},
    {"3.3", "PRIORITY with a dependency", {priority(3, 1, 0), head(1)}, kAnswered},
    {"3.3", "PRIORITY that is exclusive", {priority(1, 0x80000000, 0), head(1)}, kAnswered},
    {"3.3", "PRIORITY on an idle stream, then a lower one", {priority(3, 0), head(1)}, kAnswered},
    {"3.4", "RST_STREAM", {head(1, kPost, kEndHeaders), h2_reset(1), ping()}, kPing, false},
    {"3.5",
     "SETTINGS",
     {h2_frame(NGHTTP2_SETTINGS, 0, 0,
               h2_number(1, 2) + h2_number(4096, 4) + h2_number(2, 2) + h2_number(1, 4) + h2_number(3, 2) +
                   h2_number(100, 4) + h2_number(4, 2) + h2_number(65535, 4) + h2_number(5, 2) + h2_number(16384, 4) +
                   h2_number(6, 2) + h2_number(100, 4))},
     kSettings},
    {"3.7", "PING", {ping()}, kPing},
    {"3.8", "GOAWAY", {h2_frame(NGHTTP2_GOAWAY, 0, 0, h2_number(0, 8) + "h2spec"), ping()}, kEnd},
    {"3.9", "WINDOW_UPDATE of the connection", {h2_window_update(0, 1), ping()}, kPing},
    {"3.9", "WINDOW_UPDATE of a stream", {head(1) + h2_window_update(1, 1)}, kAnswered},
    {"3.10",
     "CONTINUATION",
     {head(1, kGet.substr(0, 3), kEndStream), h2_frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, kGet.substr(3))},
     kAnswered},
    {"3.10",
     "CONTINUATION twice",
     {head(1, kGet.substr(0, 2), kEndStream), h2_frame(NGHTTP2_CONTINUATION, 0, 1, kGet.substr(2, 2)),
      h2_frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, kGet.substr(4))},
     kAnswered},
    {"4", "GET", {head(1)}, kAnswered},
    {"4", "HEAD", {head(1, h2_literal(":method", "HEAD") + kRest)}, kAnswered},
    {"4", "POST", {head(1, kPost, kEndHeaders), data(1)}, kAnswered, false},
    {"4",
     "POST with trailers",
     {head(1, kPost + h2_literal("trailer", "x-test"), kEndHeaders), data(1, 0), head(1, h2_literal("x-test", "ok"))},
     kAnswered,
     false},
};

const Row kHpack[] = {
    {"2.3.3", "an index beyond the table", {head(1, kGet + "\xc6")}, ends(NGHTTP2_COMPRESSION_ERROR)},
    {"2.3.3", "a name's index beyond the table", {head(1, kGet + "\x7f\x07\0"s)}, ends(NGHTTP2_COMPRESSION_ERROR)},
    {"4.2", "a table size at the end", {head(1, kGet + "\x21")}, ends(NGHTTP2_COMPRESSION_ERROR)},
    {"5.2",
     "padding of more than 7 bits",
     {huffman("\0\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff"s)},
     ends(NGHTTP2_COMPRESSION_ERROR)},
    {"5.2",
     "padding with zeros",
     {huffman("\0\x85\xf2\xb2\x4a\x84\xff\x83\x49\x50\x90"s)},
     ends(NGHTTP2_COMPRESSION_ERROR)},
    {"5.2",
     "the end of string as a symbol",
     {huffman("\0\x85\xf2\xb2\x4a\x84\xff\x87\x49\x51\xff\xff\xff\xfa\x7f"s)},
     ends(NGHTTP2_COMPRESSION_ERROR)},
    {"6.1", "index 0", {head(1, kGet + "\x80")}, ends(NGHTTP2_COMPRESSION_ERROR)},
    {"6.1", "an entry", {head(1, kGet + "\x90")}, kAnswered},
    {"6.2.1", "indexing, name of the table", {head(1, kGet + "\x7a\x06h2spec")}, kAnswered},
    {"6.2.1", "indexing, name of the table, Huffman", {huffman("\x7a\x84\x9c\x48\xac\xa4")}, kAnswered},
    {"6.2.1", "indexing, new name", {head(1, kGet + "\x40\x06x-test\x06h2spec")}, kAnswered},
    {"6.2.1", "indexing, new name, Huffman", {huffman("\x40\x85\xf2\xb2\x4a\x84\xff\x84\x9c\x48\xac\xa4")}, kAnswered},
    {"6.2.1",
     "an entry that was made",
     {head(1, kGet + "\x40\x06x-test\x06h2spec"), head(3, kGet + "\xbe"), ping()},
     kPing},
    {"6.2.2", "no indexing, name of the table", {head(1, kGet + "\x0f\x2b\x06h2spec")}, kAnswered},
    {"6.2.2", "no indexing, name of the table, Huffman", {huffman("\x0f\x2b\x84\x9c\x48\xac\xa4")}, kAnswered},
    {"6.2.2", "no indexing, new name", {head(1, kGet + "\0\x06x-test\x06h2spec"s)}, kAnswered},
    {"6.2.2",
     "no indexing, new name, Huffman",
     {huffman("\0\x85\xf2\xb2\x4a\x84\xff\x84\x9c\x48\xac\xa4"s)},
     kAnswered},
    {"6.2.3", "never indexed, name of the table", {head(1, kGet + "\x1f\x2b\x06h2spec")}, kAnswered},
    {"6.2.3", "never indexed, name of the table, Huffman", {huffman("\x1f\x2b\x84\x9c\x48\xac\xa4")}, kAnswered},
    {"6.2.3", "never indexed, new name", {head(1, kGet + "\x10\x06x-test\x06h2spec")}, kAnswered},
    {"6.2.3",
     "never indexed, new name, Huffman",
     {huffman("\x10\x85\xf2\xb2\x4a\x84\xff\x84\x9c\x48\xac\xa4")},
     kAnswered},
    {"6.3", "a table size", {head(1, "\x3f\x61" + kGet)}, kAnswered},
    {"6.3", "two table sizes", {head(1, "\x3f\x61\x3f\xe1\x1f" + kGet)}, kAnswered},
    {"6.3", "a table size beyond ours", {head(1, "\x3f\xe2\x1f" + kGet)}, ends(NGHTTP2_COMPRESSION_ERROR)},
};

}  // namespace

std::span<const Row> generic_rows() {
  return kGeneric;
}

std::span<const Row> hpack_rows() {
  return kHpack;
}

}  // namespace gatehouse::testing_support::h2_spec
