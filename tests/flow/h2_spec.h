// The cases of h2spec (github.com/summerwind/h2spec), its strict ones too, as rows of our own: what a client sends, and
// what has to follow. Where the specification leaves a choice, the row says which one is ours. h2_spec_test.cc plays
// them; the rows lie in files by what they are about.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/support/h2_raw_client.h"

namespace gatehouse::testing_support::h2_spec {

struct Outcome {
  // kPing: it is acknowledged. kEnd: the connection is closed in good order. kData: the first DATA frame is of one byte.
  // kSettings: they are acknowledged.
  enum class Kind : std::uint8_t { kAnswered, kPing, kEnd, kData, kSettings, kStreamError, kConnectionError };
  Kind kind;
  std::uint32_t code = 0;
  std::int32_t stream = 1;
};

constexpr Outcome kAnswered{Outcome::Kind::kAnswered};
constexpr Outcome kPing{Outcome::Kind::kPing};
constexpr Outcome kEnd{Outcome::Kind::kEnd};
constexpr Outcome kData{Outcome::Kind::kData};
constexpr Outcome kSettings{Outcome::Kind::kSettings};
constexpr Outcome resets(std::uint32_t code, std::int32_t stream = 1) {
  return {.kind = Outcome::Kind::kStreamError, .code = code, .stream = stream};
}
constexpr Outcome ends(std::uint32_t code) {
  return {.kind = Outcome::Kind::kConnectionError, .code = code};
}

struct Row {
  const char* section;
  const char* what;
  // Each is sent when all that follows from the one before has happened.
  std::vector<std::string> sent;
  Outcome outcome;
  // Whether there is an answer before the last of it is sent.
  bool answers = true;
};

// RFC 9113 sections 3 to 5; 6; 8; what every server has to do; HPACK (RFC 7541).
std::span<const Row> stream_rows();
std::span<const Row> frame_rows();
std::span<const Row> message_rows();
std::span<const Row> generic_rows();
std::span<const Row> hpack_rows();

// --- what rows are made of ---

inline constexpr std::uint8_t kEndStream = NGHTTP2_FLAG_END_STREAM;
inline constexpr std::uint8_t kEndHeaders = NGHTTP2_FLAG_END_HEADERS;
inline constexpr std::uint8_t kWhole = kEndHeaders | kEndStream;
inline constexpr std::uint8_t kPadded = NGHTTP2_FLAG_PADDED;

// Of the static table :method, :scheme http, :path /; and an authority.
inline const std::string kRest = {'\x86', '\x84', '\x01', '\x01', 'a'};
inline const std::string kGet = "\x82" + kRest;
inline const std::string kPost = "\x83" + kRest;

inline std::string head(std::int32_t stream, const std::string& block = kGet, std::uint8_t flags = kWhole) {
  return h2_frame(NGHTTP2_HEADERS, flags, stream, block);
}
inline std::string more(std::int32_t stream, std::uint8_t flags = kEndHeaders) {
  return h2_frame(NGHTTP2_CONTINUATION, flags, stream, h2_literal("x-dummy0", std::string(100, 'd')));
}
inline std::string data(std::int32_t stream, std::uint8_t flags = kEndStream, const std::string& bytes = "test") {
  return h2_frame(NGHTTP2_DATA, flags, stream, bytes);
}
inline std::string priority(std::int32_t stream, std::uint32_t dependency, std::uint8_t weight = 255) {
  return h2_frame(NGHTTP2_PRIORITY, 0, stream, h2_number(dependency, 4) + static_cast<char>(weight));
}
inline std::string ping(std::uint8_t flags = 0) {
  return h2_frame(NGHTTP2_PING, flags, 0, "h2spec\1\2");
}
inline std::string window(std::uint32_t size) {
  return h2_setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, size);
}

}  // namespace gatehouse::testing_support::h2_spec
