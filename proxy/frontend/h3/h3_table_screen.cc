#include "proxy/frontend/h3/h3_table_screen.h"

#include <algorithm>
#include <array>

namespace gatehouse {

namespace {

constexpr std::size_t kOverhead = 32;     // of an entry (RFC 9204 section 3.2.1)
constexpr std::size_t kHarmless = 128;    // so large an invalid one may be: it costs what a short literal does
constexpr std::size_t kMostOfHost = 255;  // no longer one is valid, and nghttp3 judges it by rules of its own
constexpr std::uint64_t kEncoderType = 2;
constexpr unsigned kLongestType = 8;

struct ContextDeleter {
  void operator()(nghttp3_qpack_stream_context* context) const { nghttp3_qpack_stream_context_del(context); }
};
using ContextPtr = std::unique_ptr<nghttp3_qpack_stream_context, ContextDeleter>;

ContextPtr new_section() {
  nghttp3_qpack_stream_context* context = nullptr;
  if (nghttp3_qpack_stream_context_new(&context, 0, nghttp3_mem_default()) != 0) return nullptr;
  return ContextPtr(context);
}

bool is_valid(const nghttp3_qpack_nv& field, std::size_t& size) {
  const nghttp3_vec name = nghttp3_rcbuf_get_buf(field.name);
  const nghttp3_vec value = nghttp3_rcbuf_get_buf(field.value);
  size = name.len + value.len + kOverhead;
  if (field.token == NGHTTP3_QPACK_TOKEN_HOST && value.len > kMostOfHost) return false;
  return nghttp3_check_header_name(name.base, name.len) != 0 && nghttp3_check_header_value(value.base, value.len) != 0;
}

}  // namespace

std::expected<void, H3TableScreen::Code> H3TableScreen::check(std::int64_t stream,
                                                              std::span<const std::uint8_t> bytes) {
  if (encoder_ < 0) identify(stream, bytes);
  if (stream != encoder_ || bytes.empty()) return {};
  if (!decoder_) {
    nghttp3_qpack_decoder* decoder = nullptr;
    if (nghttp3_qpack_decoder_new(&decoder, capacity_, 0, nghttp3_mem_default()) != 0) {
      return std::unexpected(NGHTTP3_H3_INTERNAL_ERROR);
    }
    decoder_.reset(decoder);
  }
  return read(bytes);
}

// Takes the type from the beginning of `bytes`. A stream of another type leaves its entry behind, so that what follows
// is not taken for a type: there are as many as streams may be open, and all go once the encoder's is known.
void H3TableScreen::identify(std::int64_t stream, std::span<const std::uint8_t>& bytes) {
  constexpr unsigned kKnown = kLongestType + 1;
  Type& type = types_[stream];
  if (type.left == kKnown) return;
  while (!bytes.empty()) {
    const std::uint8_t byte = bytes.front();
    bytes = bytes.subspan(1);
    if (type.left == 0) {
      type.left = 1U << (byte >> 6U);
      type.value = byte & 0x3fU;
    } else {
      type.value = type.value << 8U | byte;
    }
    if (--type.left > 0) continue;
    if (type.value != kEncoderType) {
      type.left = kKnown;
      return;
    }
    encoder_ = stream;
    return types_.clear();
  }
}

// Byte by byte, since each of them inserts one entry at most: the newest is there before it can be evicted.
std::expected<void, H3TableScreen::Code> H3TableScreen::read(std::span<const std::uint8_t> bytes) {
  received_ += bytes.size();
  std::uint64_t seen = nghttp3_qpack_decoder_get_icnt(decoder_.get());
  for (const std::uint8_t& byte : bytes) {
    const nghttp3_ssize status = nghttp3_qpack_decoder_read_encoder(decoder_.get(), &byte, 1);
    if (status < 0) return std::unexpected(nghttp3_err_infer_quic_app_error_code(static_cast<int>(status)));
    const std::uint64_t now = nghttp3_qpack_decoder_get_icnt(decoder_.get());
    if (now == seen) continue;
    seen = now;
    if (!newest_is_fine() || looked_at_ > kFree + kPerByte * received_) {
      return std::unexpected(NGHTTP3_H3_EXCESSIVE_LOAD);
    }
  }
  if (!end_section()) return std::unexpected(NGHTTP3_H3_INTERNAL_ERROR);
  return {};
}

// An empty one: the library wants to see the end of one for every so many bytes of instructions.
bool H3TableScreen::end_section() {
  constexpr std::array<std::uint8_t, 2> kEmpty{};
  const ContextPtr section = new_section();
  nghttp3_qpack_nv field{};
  std::uint8_t flags = 0;
  return section && nghttp3_qpack_decoder_read_request(decoder_.get(), section.get(), &field, &flags, kEmpty.data(),
                                                       kEmpty.size(), 1) >= 0;
}

// Reads a section that has nothing but the newest entry (RFC 9204 sections 4.5.1 and 4.5.2). It is not ended: its
// acknowledgement would be nobody's.
bool H3TableScreen::newest_is_fine() {
  constexpr std::uint8_t kLongInteger = 0xff;
  constexpr std::uint8_t kNewest = 0x80;
  const std::uint64_t full = 2 * (capacity_ / kOverhead);
  const std::uint64_t required = nghttp3_qpack_decoder_get_icnt(decoder_.get()) % full + 1;
  std::array<std::uint8_t, 4> bytes{};
  std::size_t size = 0;
  bytes[size++] = static_cast<std::uint8_t>(std::min<std::uint64_t>(required, kLongInteger));
  if (required >= kLongInteger) bytes[size++] = static_cast<std::uint8_t>(required - kLongInteger);
  bytes[size++] = 0;
  bytes[size++] = kNewest;

  const ContextPtr section = new_section();
  nghttp3_qpack_nv field{};
  std::uint8_t flags = 0;
  if (!section ||
      nghttp3_qpack_decoder_read_request(decoder_.get(), section.get(), &field, &flags, bytes.data(), size, 0) < 0 ||
      (flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) == 0) {
    return false;
  }
  std::size_t entry_size = 0;
  const bool valid = is_valid(field, entry_size);
  looked_at_ += entry_size;
  nghttp3_rcbuf_decref(field.name);
  nghttp3_rcbuf_decref(field.value);
  return valid || entry_size <= kOverhead + kHarmless;
}

}  // namespace gatehouse
