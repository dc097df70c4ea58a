// Heads of HTTP/1, requests and answers: the parser, which reads each byte once, against an oracle of two readers that
// share nothing with it, one of them llhttp. The first byte says what is read, and how it is cut.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "tests/support/h1_difference.h"

namespace gatehouse {
namespace {

constexpr HeadLimits kSmall{.max_header_bytes = 200, .max_header_count = 4, .max_target_bytes = 32};

// Bits of the first byte; the other ones begin the series of sizes of pieces.
constexpr unsigned kResponse = 1;
constexpr unsigned kLenient = 2;
constexpr unsigned kSmallLimits = 4;
constexpr unsigned kSeedShift = 3;

void require_agreement(std::string_view input, const testing::HeadOptions& options) {
  const std::string difference = testing::h1_difference(input, options);
  if (difference.empty()) return;
  std::cerr << difference << "\n" << input << "\n";
  std::abort();
}

}  // namespace
}  // namespace gatehouse

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatehouse;
  if (size == 0) return 0;
  const unsigned how = data[0];
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool response = (how & kResponse) != 0;
  testing::HeadOptions options{.kind = response ? H1Parser::Kind::kResponse : H1Parser::Kind::kRequest};
  if ((how & kSmallLimits) != 0) options.limits = kSmall;
  if (response && (how & kLenient) != 0) options.tolerance = Tolerance::kLenient;
  require_agreement(input, options);
  options.next_piece = [] { return std::size_t{1}; };
  require_agreement(input, options);
  unsigned series = how >> kSeedShift;
  options.next_piece = [&series] {
    series = series * 1103515245U + 12345U;
    return std::size_t{1} + (series >> 16U) % 24U;
  };
  require_agreement(input, options);
  return 0;
}
