#include "proxy/frontend/h3/h3_fields.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gatehouse::h3_fields {

namespace {

// Texts that live as long as the array.
struct Scratch {
  std::vector<nghttp3_nv> fields;
  std::array<char, 3> status{};
  std::array<char, 20> length{};
};

Scratch& scratch() {
  thread_local Scratch scratch;
  scratch.fields.clear();
  return scratch;
}

nghttp3_nv pair(std::string_view name, std::string_view value, std::uint8_t flags) {
  return {.name = reinterpret_cast<const std::uint8_t*>(name.data()),
          .value = reinterpret_cast<const std::uint8_t*>(value.data()),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = flags};
}

// Values are copied by nghttp3; names too, into lower case, unless they are texts of ours that last.
void add_all(std::vector<nghttp3_nv>& out, const FieldList& fields) {
  for (const Field field : fields) {
    if (field.id == FieldName::kOther) {
      out.push_back(pair(field.name, field.value, NGHTTP3_NV_FLAG_NONE));
    } else {
      out.push_back(pair(lower_text(field.id), field.value, NGHTTP3_NV_FLAG_NO_COPY_NAME));
    }
  }
}

std::string_view digits(std::span<char> room, std::uint64_t number) {
  const auto result = std::to_chars(room.data(), room.data() + room.size(), number);
  return {room.data(), static_cast<std::size_t>(result.ptr - room.data())};
}

}  // namespace

std::span<const nghttp3_nv> of_head(const ResponseHead& head) {
  Scratch& use = scratch();
  use.fields.push_back(pair(":status", digits(use.status, head.status), NGHTTP3_NV_FLAG_NO_COPY_NAME));
  add_all(use.fields, head.fields);
  // RFC 9110 section 8.6: never in 1xx and 204.
  const bool announced = head.body.kind == BodyLength::Kind::kKnown && !head.is_interim() && head.status != 204;
  if (announced)
    use.fields.push_back(pair("content-length", digits(use.length, head.body.bytes), NGHTTP3_NV_FLAG_NO_COPY_NAME));
  return use.fields;
}

std::span<const nghttp3_nv> of_trailers(const FieldList& trailers) {
  Scratch& use = scratch();
  add_all(use.fields, trailers);
  return use.fields;
}

}  // namespace gatehouse::h3_fields
