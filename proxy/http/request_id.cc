#include "proxy/http/request_id.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/crypto/random.h"
#include "proxy/http/char_classes.h"

namespace gatehouse {
namespace {

constexpr std::size_t kLongestRequestId = 128;

bool is_request_id(std::string_view id) {
  static constexpr char_classes::Table kAllowed = char_classes::table_of("-._~+/=:@", true);
  return !id.empty() && id.size() <= kLongestRequestId && char_classes::all_in(kAllowed, id);
}

// Four bits to a byte, then all of them to their digits: a letter is 39 beyond what would follow '9'.
std::uint64_t hex_digits(std::uint64_t bits32) {
  std::uint64_t nibbles = (bits32 | bits32 << 16U) & 0x0000FFFF0000FFFFU;
  nibbles = (nibbles | nibbles << 8U) & 0x00FF00FF00FF00FFU;
  nibbles = (nibbles | nibbles << 4U) & 0x0F0F0F0F0F0F0F0FU;
  const std::uint64_t letters = (nibbles + 0x0606060606060606U) >> 4U & 0x0101010101010101U;
  return nibbles + 0x3030303030303030U + letters * 39U;
}

std::string new_request_id() {
  std::array<char, 32> id;
  for (std::size_t quarter = 0; quarter < 4; quarter += 2) {
    const std::uint64_t bits = random::secret();
    const std::array<std::uint64_t, 2> digits = {hex_digits(bits & 0xFFFFFFFFU), hex_digits(bits >> 32U)};
    std::memcpy(id.data() + quarter * 8, digits.data(), sizeof digits);
  }
  return {id.data(), id.size()};
}

}  // namespace

std::string settled_request_id(const FieldList& fields) {
  if (fields.count(FieldName::kXRequestId) == 1) {
    if (const std::string_view sent = *fields.find(FieldName::kXRequestId); is_request_id(sent))
      return std::string(sent);
  }
  return new_request_id();
}

void say_request_id(FieldList& fields, std::string_view id) {
  if (!id.empty()) fields.set(FieldName::kXRequestId, id);
}

}  // namespace gatehouse
