// H3Session: what the client says beside its requests, on unidirectional streams.
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/frontend/h3/h3_session.h"
#include "proxy/frontend/h3/h3_stream.h"

namespace gatehouse {

namespace {

// nghttp3 counts some frames by itself only where it is told the time.
constexpr nghttp3_tstamp kNoTime = UINT64_MAX;

}  // namespace

H3Session::Outcome H3Session::receive_uni(std::int64_t stream, H3Bytes bytes, bool fin) {
  using Kind = H3UniStreams::Kind;
  transport_.credit_stream(stream, bytes.size());
  transport_.credit_connection(bytes.size());
  const auto kind = uni_.identify(stream, bytes);
  if (!kind) return std::unexpected(kind.error());
  if (auto fine = fin ? uni_.closed(stream) : Outcome{}; !fine) return fine;
  switch (*kind) {
    case Kind::kControl:
      return read_control(stream, bytes);
    case Kind::kEncoder:
      return read_instructions(bytes);
    case Kind::kDecoder: {
      constexpr std::array<std::uint8_t, 1> kType{H3UniStreams::kDecoderType};
      auto told = std::exchange(life_.hears_decoder, true) ? Outcome{} : tell_library(stream, kType);
      return told ? tell_library(stream, bytes) : told;
    }
    case Kind::kNewlyUnknown:
      if (!fin) transport_.stop_sending(stream, NGHTTP3_H3_STREAM_CREATION_ERROR);
      count(Abuse::kOther);
      return {};
    case Kind::kUnidentified:
      if (fin) count(Abuse::kOther);
      return {};
    case Kind::kUnknown:
      return {};
  }
  return {};
}

H3Session::Outcome H3Session::read_control(std::int64_t stream, H3Bytes bytes) {
  using What = H3ControlReader::What;
  Outcome fine;
  while (fine && !life_.finished) {
    const H3ControlReader::Event event = uni_.control().next(bytes);
    switch (event.what) {
      case What::kNothing:
        return {};
      case What::kSettings:
        fine = take_settings(stream, event.payload);
        break;
      case What::kPriorityUpdate:
        count(Abuse::kOther);
        fine = reprioritise(event.stream, event.payload);
        break;
      case What::kControl:
        count(Abuse::kControl);
        break;
      case What::kUnknown:
        count(Abuse::kOther);
        break;
      case What::kBroken:
        return std::unexpected(event.code);
    }
  }
  return fine;
}

// nghttp3 wants to know them for the fields that it encodes.
H3Session::Outcome H3Session::take_settings(std::int64_t stream, std::string_view payload) {
  constexpr std::size_t kTwoBytes = 0x4000;  // the form of a length (RFC 9000 section 16)
  static_assert(H3ControlReader::kMostOfPayload < kTwoBytes);
  const std::size_t length = kTwoBytes | payload.size();
  std::vector<std::uint8_t> bytes{H3UniStreams::kControlType, static_cast<std::uint8_t>(h3_frame::kSettings),
                                  static_cast<std::uint8_t>(length >> 8U), static_cast<std::uint8_t>(length)};
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return tell_library(stream, bytes);
}

H3Session::Outcome H3Session::read_instructions(H3Bytes bytes) {
  if (auto fine = fields_.read_instructions(bytes); !fine) {
    return fine.error() == NGHTTP3_H3_EXCESSIVE_LOAD ? std::unexpected(excessive()) : fine;
  }
  if (fields_.blocked() == 0) return {};
  for (auto& [id, stream] : streams_) {
    if (auto fine = stream->resume(); !fine) return fine;
  }
  return {};
}

H3Session::Outcome H3Session::tell_library(std::int64_t stream, H3Bytes bytes) {
  return outcome(nghttp3_conn_read_stream2(conn_.get(), stream, bytes.data(), bytes.size(), 0, kNoTime));
}

H3Session::Outcome H3Session::announce(std::int64_t stream) {
  return tell_library(stream, {});
}

}  // namespace gatehouse
