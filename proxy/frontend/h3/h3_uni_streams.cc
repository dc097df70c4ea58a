#include "proxy/frontend/h3/h3_uni_streams.h"

#include <algorithm>

#include <nghttp3/nghttp3.h>

namespace gatehouse {

namespace {

bool is_critical(H3UniStreams::Kind kind) {
  using Kind = H3UniStreams::Kind;
  return kind == Kind::kControl || kind == Kind::kEncoder || kind == Kind::kDecoder;
}

}  // namespace

std::expected<H3UniStreams::Kind, H3UniStreams::Code> H3UniStreams::identify(std::int64_t stream, H3Bytes& bytes) {
  Stream& found = streams_[stream];
  if (found.kind != Kind::kUnidentified) return found.kind;
  if (!found.type.read(bytes)) return Kind::kUnidentified;
  const auto kind = kind_of(found.type.value());
  if (!kind) return kind;
  const bool taken = std::ranges::any_of(streams_, [&](const auto& entry) { return entry.second.kind == *kind; });
  if (is_critical(*kind) && taken) return std::unexpected(NGHTTP3_H3_STREAM_CREATION_ERROR);
  found.kind = *kind == Kind::kNewlyUnknown ? Kind::kUnknown : *kind;
  return kind;
}

std::expected<H3UniStreams::Kind, H3UniStreams::Code> H3UniStreams::kind_of(std::uint64_t type) {
  switch (type) {
    case kControlType:
      return Kind::kControl;
    case kPushType:
      return std::unexpected(NGHTTP3_H3_STREAM_CREATION_ERROR);
    case kEncoderType:
      return Kind::kEncoder;
    case kDecoderType:
      return Kind::kDecoder;
    default:
      return Kind::kNewlyUnknown;
  }
}

std::expected<void, H3UniStreams::Code> H3UniStreams::closed(std::int64_t stream) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return {};
  if (is_critical(found->second.kind)) return std::unexpected(NGHTTP3_H3_CLOSED_CRITICAL_STREAM);
  streams_.erase(found);
  return {};
}

}  // namespace gatehouse
