// The head or the trailers of a response in the form that nghttp2 and nghttp3 take, whose pairs differ in nothing but
// their type. Both libraries copy values; names too, into lower case, unless they are texts of ours that last.
//
//   ResponseHead, FieldList --> FieldBlock<nghttp2_nv>, FieldBlock<nghttp3_nv> --> submit
//
// A temporary of the codec's: its array is the thread's, and good until the next block is made on that thread.
#pragma once

#include <array>
#include <cassert>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/http/field_list.h"
#include "proxy/http/message.h"

namespace gatehouse {

// `NameLasts` is the library's flag for a name that it need not copy, `NotIndexed` for a field that no table remembers.
template <class Pair, std::uint8_t NameLasts, std::uint8_t NotIndexed>
class FieldBlock {
 public:
  // :status (200 where h1 says 101), the fields, and content-length where the length of the body is announced: never in 1xx and 204 (RFC 9110
  // section 8.6).
  explicit FieldBlock(const ResponseHead& head) {
    pairs.clear();
    add(":status", digits(status_, head.opens_tunnel() ? kTunnelOpen : head.status), NameLasts);
    add_all(head.fields);
    if (head.body.kind != BodyLength::Kind::kKnown || head.is_interim() || head.status == 204) return;
    add(lower_text(FieldName::kContentLength), digits(length_, head.body.bytes), NameLasts);
  }
  explicit FieldBlock(const FieldList& trailers) {
    pairs.clear();
    add_all(trailers);
  }
  FieldBlock(const FieldBlock&) = delete;
  FieldBlock& operator=(const FieldBlock&) = delete;

  const Pair* data() const { return pairs.data(); }
  std::size_t size() const { return pairs.size(); }

 private:
  using Pointer = decltype(Pair::name);
  static constexpr std::uint16_t kTunnelOpen = 200;  // RFC 8441 section 5

  template <std::size_t Room>
  static std::string_view digits(std::array<char, Room>& room, std::uint64_t number) {
    const auto end = std::to_chars(room.data(), room.data() + room.size(), number).ptr;
    return {room.data(), static_cast<std::size_t>(end - room.data())};
  }
  // nghttp2 takes pointers to non-const and does not write through them.
  static Pointer pointer(std::string_view text) { return reinterpret_cast<Pointer>(const_cast<char*>(text.data())); }

  static void add(std::string_view name, std::string_view value, std::uint8_t flags) {
    pairs.push_back({.name = pointer(name),
                     .value = pointer(value),
                     .namelen = name.size(),
                     .valuelen = value.size(),
                     .flags = flags});
  }
  static void add_all(const FieldList& fields) {
    for (const Field field : fields) {
      assert(field.id != FieldName::kConnection && field.id != FieldName::kTransferEncoding);
      if (field.id == FieldName::kOther) {
        add(field.name, field.value, 0);
      } else {
        // An id is never sent again, and would drive what is out of the table.
        const bool once = field.id == FieldName::kXRequestId;
        add(lower_text(field.id), field.value, once ? NameLasts | NotIndexed : NameLasts);
      }
    }
  }

  inline static thread_local std::vector<Pair> pairs;
  std::array<char, 3> status_{};
  std::array<char, 20> length_{};
};

}  // namespace gatehouse
