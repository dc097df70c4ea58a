#include "proxy/http/framing.h"

#include <optional>
#include <string_view>

#include "common/text.h"
#include "proxy/http/char_classes.h"
#include "proxy/http/disguise.h"

namespace gatehouse::framing {

namespace {

constexpr std::string_view kContentLength = "content-length";
constexpr std::string_view kTransferEncoding = "transfer-encoding";

// What one Transfer-Encoding value asks for; nothing if it is not a list of codings.
enum class Coding { kChunked, kOther };

std::optional<Coding> coding_of(std::string_view value) {
  Coding coding = Coding::kOther;
  bool chunked_seen = false;
  for (std::string_view rest = value;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view element = text::trim(rest.substr(0, comma));
    if (element.empty() || !char_classes::all_in(char_classes::kToken, element)) return std::nullopt;
    if (chunked_seen) return std::nullopt;  // chunked has to be the last one, once
    chunked_seen = text::iequals(element, "chunked");
    const bool alone = comma == std::string_view::npos && rest.size() == value.size();
    if (chunked_seen && alone) coding = Coding::kChunked;
    if (comma == std::string_view::npos) return coding;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace

std::expected<BodyLength, Fault> body_length(const FieldList& fields, Protocol protocol, Fault invalid) {
  if (!fields.may_have(FieldName::kContentLength, FieldName::kTransferEncoding)) return BodyLength::none();
  std::optional<std::string_view> length;
  std::optional<std::string_view> coding;
  for (const Field field : fields) {
    if (field.id != FieldName::kContentLength && field.id != FieldName::kTransferEncoding) continue;
    std::optional<std::string_view>& mine = field.id == FieldName::kContentLength ? length : coding;
    if (mine) return std::unexpected(invalid);
    mine = field.value;
  }
  if (coding) {
    if (length || protocol != Protocol::kH1) return std::unexpected(invalid);
    const std::optional<Coding> known = coding_of(*coding);
    if (!known) return std::unexpected(invalid);
    if (*known != Coding::kChunked) return std::unexpected(Fault::kCodingNotImplemented);
    return BodyLength::unknown();
  }
  if (!length) return BodyLength::none();
  const std::optional<std::uint64_t> bytes = text::parse_decimal(*length);
  if (!bytes) return std::unexpected(invalid);
  return BodyLength::known(*bytes);
}

bool is_disguised(const Field& field) {
  if (field.id != FieldName::kOther) return false;
  return disguise::same(field.name, kContentLength) || disguise::same(field.name, kTransferEncoding);
}

}  // namespace gatehouse::framing
