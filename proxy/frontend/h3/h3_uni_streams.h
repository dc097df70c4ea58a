// Which of the client's unidirectional streams is what (RFC 9114 section 6.2): its control stream and those of its QPACK
// encoder and decoder, once each and open as long as the connection, and others that mean nothing to us. A member of its
// H3Session; one loop's thread.
#pragma once

#include <cstdint>
#include <expected>
#include <map>

#include "proxy/frontend/h3/h3_control_reader.h"
#include "proxy/frontend/h3/h3_frames.h"

namespace gatehouse {

class H3UniStreams {
 public:
  using Code = std::uint64_t;
  static constexpr std::uint8_t kControlType = 0x00;
  static constexpr std::uint8_t kPushType = 0x01;
  static constexpr std::uint8_t kEncoderType = 0x02;
  static constexpr std::uint8_t kDecoderType = 0x03;
  enum class Kind : std::uint8_t {
    kUnidentified,  // its type has not come in full
    kControl,
    kEncoder,
    kDecoder,
    kNewlyUnknown,  // of a type that we do not know: said once
    kUnknown,
  };

  static bool is_uni(std::int64_t stream) { return (stream & 0x3) == 2; }

  // Takes the type off the front of `bytes`, the next of the stream, as far as it has come. Fails for a second stream of
  // a type that may be there once, and for a push stream, which only servers have.
  std::expected<Kind, Code> identify(std::int64_t stream, H3Bytes& bytes);
  // The stream has ended, or was reset. Fails if the connection needs it.
  std::expected<void, Code> closed(std::int64_t stream);

  H3ControlReader& control() { return control_; }

 private:
  struct Stream {
    H3Integer type;
    Kind kind = Kind::kUnidentified;
  };

  static std::expected<Kind, Code> kind_of(std::uint64_t type);

  std::map<std::int64_t, Stream> streams_;
  H3ControlReader control_;
};

}  // namespace gatehouse
