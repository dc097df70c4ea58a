#include "proxy/forward/reset_code.h"

#include <array>
#include <cstdint>
#include <string>

#include "common/text.h"

namespace gatehouse::reset_code {

namespace {

constexpr std::uint64_t kRefusedStream = 7;
constexpr std::uint64_t kHttp11Required = 13;

constexpr std::uint64_t kH3GeneralProtocolError = 0x101;

// By the code of HTTP/2: the code of HTTP/3 (RFC 9114 section 8.1) as its appendix A.4 has it. What is not applicable to
// HTTP/3 there, as QUIC sees to it, and COMPRESSION_ERROR, which QPACK has for connections only, is
// H3_GENERAL_PROTOCOL_ERROR: an error of which nothing more can be said.
constexpr auto kOfH3 = std::to_array<std::uint64_t>({
    0x100,                    // 0  NO_ERROR             H3_NO_ERROR
    kH3GeneralProtocolError,  // 1  PROTOCOL_ERROR       H3_GENERAL_PROTOCOL_ERROR
    0x102,                    // 2  INTERNAL_ERROR       H3_INTERNAL_ERROR
    kH3GeneralProtocolError,  // 3  FLOW_CONTROL_ERROR   (not applicable)
    kH3GeneralProtocolError,  // 4  SETTINGS_TIMEOUT     (not applicable)
    kH3GeneralProtocolError,  // 5  STREAM_CLOSED        (not applicable)
    0x106,                    // 6  FRAME_SIZE_ERROR     H3_FRAME_ERROR
    0x10b,                    // 7  REFUSED_STREAM       H3_REQUEST_REJECTED
    0x10c,                    // 8  CANCEL               H3_REQUEST_CANCELLED
    kH3GeneralProtocolError,  // 9  COMPRESSION_ERROR    (several of QPACK's, for connections)
    0x10f,                    // 10 CONNECT_ERROR        H3_CONNECT_ERROR
    0x107,                    // 11 ENHANCE_YOUR_CALM    H3_EXCESSIVE_LOAD
    kH3GeneralProtocolError,  // 12 INADEQUATE_SECURITY  (not applicable)
    0x110,                    // 13 HTTP_1_1_REQUIRED    H3_VERSION_FALLBACK
});

}  // namespace

std::optional<ResetCodes> codes(std::string_view said, Where where) {
  const std::optional<std::uint64_t> code = said.size() > 2 ? std::nullopt : text::parse_decimal(said);
  if (!code || *code >= kOfH3.size()) return {};
  if (where == Where::kTrailers && (*code == kRefusedStream || *code == kHttp11Required)) return {};
  return ResetCodes{.h2 = static_cast<std::uint32_t>(*code), .h3 = kOfH3[*code]};
}

std::optional<std::string> take(FieldList& fields) {
  std::optional<std::string> said;
  for (const Field field : fields) {
    if (field.id != FieldName::kXResetCode) continue;
    if (!said) {
      said = field.value;
    } else {
      said->append(", ").append(field.value);
    }
  }
  fields.remove(FieldName::kXResetCode);
  return said;
}

}  // namespace gatehouse::reset_code
