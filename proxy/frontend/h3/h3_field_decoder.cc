#include "proxy/frontend/h3/h3_field_decoder.h"

#include <algorithm>
#include <span>
#include <utility>

namespace gatehouse {

namespace {

// What waits to be said may have 20 bytes for each: all of it fits into one slab.
constexpr std::size_t kMostStreamsToSpeakOf = 500;

std::string_view text_of(nghttp3_rcbuf* buffer) {
  const nghttp3_vec bytes = nghttp3_rcbuf_get_buf(buffer);
  return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

H3FieldDecoder::Context new_context(std::int64_t stream) {
  nghttp3_qpack_stream_context* context = nullptr;
  if (nghttp3_qpack_stream_context_new(&context, stream, nghttp3_mem_default()) != 0) return nullptr;
  return H3FieldDecoder::Context(context);
}

// What the library cannot hold is too much: names beyond 256 bytes, values beyond 64 KiB, and acknowledgements that the
// client does not let us send.
std::uint64_t code_of(nghttp3_ssize status) {
  if (status == NGHTTP3_ERR_QPACK_HEADER_TOO_LARGE || status == NGHTTP3_ERR_QPACK_FATAL) {
    return NGHTTP3_H3_EXCESSIVE_LOAD;
  }
  return nghttp3_err_infer_quic_app_error_code(static_cast<int>(status));
}

}  // namespace

bool H3FieldDecoder::start() {
  nghttp3_qpack_decoder* decoder = nullptr;
  if (nghttp3_qpack_decoder_new(&decoder, limits_.capacity, limits_.blocked, nghttp3_mem_default()) != 0) return false;
  decoder_.reset(decoder);
  nghttp3_qpack_decoder_set_max_concurrent_streams(decoder, std::min(limits_.streams, kMostStreamsToSpeakOf));
  shared_ = new_context(0);
  return shared_ != nullptr;
}

std::expected<void, H3FieldDecoder::Code> H3FieldDecoder::read_instructions(H3Bytes bytes) {
  const nghttp3_ssize status = nghttp3_qpack_decoder_read_encoder(decoder_.get(), bytes.data(), bytes.size());
  if (status < 0) return std::unexpected(code_of(status));
  return {};
}

std::expected<H3FieldDecoder::Step, H3FieldDecoder::Code> H3FieldDecoder::next(Section& section, Input input) {
  release();
  if (section.context == nullptr) {
    if (input.bytes.empty()) return input.last ? Step::kEnd : Step::kNeedsMore;
    if (!begin(section, input)) return std::unexpected(NGHTTP3_H3_INTERNAL_ERROR);
  }
  std::uint8_t flags = 0;
  const nghttp3_ssize taken = nghttp3_qpack_decoder_read_request(
      decoder_.get(), section.context, &held_, &flags, input.bytes.data(), input.bytes.size(), input.last ? 1 : 0);
  if (taken < 0) {
    held_ = {};
    return std::unexpected(code_of(taken));
  }
  input.bytes = input.bytes.subspan(static_cast<std::size_t>(taken));
  if ((flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) != 0) {
    field_ = {.name = text_of(held_.name), .value = text_of(held_.value), .token = held_.token};
    return Step::kField;
  }
  held_ = {};
  if ((flags & NGHTTP3_QPACK_DECODE_FLAG_BLOCKED) != 0) {
    if (blocked_ >= limits_.blocked) return std::unexpected(NGHTTP3_QPACK_DECOMPRESSION_FAILED);
    ++blocked_;
    section.blocked = true;
    return Step::kBlocked;
  }
  if ((flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL) == 0) return Step::kNeedsMore;
  end(section);
  return Step::kEnd;
}

bool H3FieldDecoder::begin(Section& section, const Input& input) {
  constexpr std::uint8_t kNoInsertions = 0;  // RFC 9204 section 4.5.1
  if (input.last && input.bytes.front() == kNoInsertions) {
    section.context = shared_.get();
    return true;
  }
  section.own = new_context(input.stream);
  section.context = section.own.get();
  return section.context != nullptr;
}

void H3FieldDecoder::end(Section& section) {
  if (section.context == shared_.get()) nghttp3_qpack_stream_context_reset(shared_.get());
  section.context = nullptr;
  section.own.reset();
}

void H3FieldDecoder::abandon(Section& section, std::int64_t stream) {
  release();
  if (std::exchange(section.blocked, false)) --blocked_;
  if (section.context != nullptr) end(section);
  // Fails where there is no room for it, and then the next section says so.
  static_cast<void>(nghttp3_qpack_decoder_cancel_stream(decoder_.get(), stream));
}

bool H3FieldDecoder::ready(Section& section) {
  if (!section.blocked ||
      nghttp3_qpack_stream_context_get_ricnt(section.context) > nghttp3_qpack_decoder_get_icnt(decoder_.get())) {
    return false;
  }
  section.blocked = false;
  --blocked_;
  return true;
}

bool H3FieldDecoder::has_output() {
  const std::size_t size = nghttp3_qpack_decoder_get_decoder_streamlen(decoder_.get());
  Buffer* const into = size > 0 ? stream_.room() : nullptr;
  if (into == nullptr) return stream_.pending();
  const std::span<char> room = into->prepare(size);
  auto* const begin = reinterpret_cast<std::uint8_t*>(room.data());
  nghttp3_buf buffer{.begin = begin, .end = begin + size, .pos = begin, .last = begin};
  nghttp3_qpack_decoder_write_decoder(decoder_.get(), &buffer);
  into->commit(size);
  return stream_.pending();
}

void H3FieldDecoder::release() {
  if (held_.name == nullptr) return;
  nghttp3_rcbuf_decref(held_.name);
  nghttp3_rcbuf_decref(held_.value);
  held_ = {};
}

}  // namespace gatehouse
