// Ranges and conditions as strangers write them: the first line is Range, the next If-Range, If-None-Match, If-Match and
// If-Modified-Since. What is chosen lies in the representation, costs no more than the whole, and is said so that it reads
// the same.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/files/file_path.h"
#include "proxy/http/accept.h"
#include "proxy/http/conditional/byte_ranges.h"
#include "proxy/http/conditional/preconditions.h"
#include "proxy/http/date.h"

namespace {

using namespace gatehouse;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

void check_ranges(std::string_view range, std::uint64_t size) {
  const RangeChoice choice = chosen_ranges(range, size);
  require((choice.kind == RangeChoice::Kind::kParts) == !choice.parts.empty());
  require(choice.parts.size() <= kMostRanges);
  std::uint64_t total = 0;
  for (const ByteRange& part : choice.parts) {
    require(part.size > 0 && part.first < size && part.size <= size - part.first);
    total += part.size;
    const std::string said = content_range(part, size);
    const std::string asked = "bytes=" + said.substr(said.find(' ') + 1, said.find('/') - said.find(' ') - 1);
    require(chosen_ranges(asked, size).parts == std::vector{part});
  }
  require(total <= size);
}

void check_date(std::string_view text) {
  const auto date = parse_http_date(text);
  if (date) require(parse_http_date(http_date(*date)) == date);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view range = take_line(rest);
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, UINT64_MAX}) {
    check_ranges(range, length);
  }
  FieldList fields;
  for (const char* name : {"If-Range", "If-None-Match", "If-Match", "If-Modified-Since"}) {
    const std::string_view value = take_line(rest);
    check_date(value);
    fields.add(name, value);
  }
  const WallTime now{std::chrono::seconds(784111777)};
  const Validators current{.etag = "\"v1\"", .modified = now};
  judge_preconditions(fields, current);
  range_may_count(fields, current, now);
  const int worth = coding_worth(range, "br");
  require(worth >= 0 && worth <= 1000);
  if (const auto name = site_path(range)) require(!("/" + *name + "/").contains("/../") && !name->starts_with('/'));
  return 0;
}
