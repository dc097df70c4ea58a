// Makes the body of a gRPC-Web answer one of gRPC: its messages pass as they come, and the frame at its end, which has
// the trailers as lines of HTTP/1, becomes trailers of HTTP. Source: "gRPC Web" of the gRPC documentation.
//
//   | 00 | length | message | 01 | length | message | ... | 80 | length | grpc-status: 0\r\n ... |
//   |<---------------- passes, unbuffered --------------->|<----- kept: at most 8 KiB, ends --->|
//
// A client of gRPC takes what has no grpc-status for an error, but one with grpc-status 0 for its whole answer. So a body
// that is not this to its last byte ends, where that is found, with trailers of ours: grpc-status 13 (INTERNAL), which is
// what the client would have to make of it, and which it is told with the reason, while a reset could mean anything. It
// is counted as kGrpcWebInvalid all the same. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "proxy/http/exchange/body_filter.h"

namespace gatehouse {

class GrpcWebResponse final : public BodyFilter {
 public:
  Buffer push(Buffer bytes) override;
  // Trailers of HTTP are nobody's in gRPC-Web: those of the frame take their place.
  FieldList end(FieldList trailers) override;
  std::optional<Fault> fault() const override;

 private:
  // Of a message: its flag, its length, its bytes. Then the same of the trailers, and nothing behind them.
  enum class At : std::uint8_t { kFlag, kLength, kMessage, kTrailersFlag, kTrailersLength, kTrailers, kEnd };

  // Counts how much of `run` belongs to messages; reads on in it up to the trailers, or to what is wrong.
  std::size_t pass(std::string_view run);
  void take_flag(char flag);
  // Returns true once the four bytes of a length are complete.
  bool take_length(char byte);
  // `run` begins with their flag, or goes on behind it.
  void take_trailers(std::string_view run);
  void end_trailers();

  At at_ = At::kFlag;
  bool broken_ = false;
  // Bytes of the length that have been read.
  std::uint8_t length_bytes_ = 0;
  // Of this message, or of the trailers, still to come; while its length is read, that so far.
  std::uint32_t left_ = 0;
  std::string block_;
  FieldList trailers_;
};

}  // namespace gatehouse
