#include "proxy/http/h1/h1_request_line.h"

#include <utility>

#include "proxy/http/h1/h1_scan.h"

namespace gatehouse {

namespace {

constexpr std::size_t kLongestMethod = 32;

using h1_scan::at_most;

}  // namespace

void H1RequestLine::begin() {
  part_ = Part::kMethod;
  method_.clear();
  target_.clear();
  version_.begin();
}

H1Outcome H1RequestLine::read(const char*& at, const char* end) {
  for (;;) {
    const H1Outcome outcome = read_part(at, end);
    if (outcome != H1Outcome::kComplete || part_ == Part::kLf) return outcome;
    part_ = static_cast<Part>(std::to_underlying(part_) + 1);
  }
}

H1Outcome H1RequestLine::read_part(const char*& at, const char* end) {
  switch (part_) {
    case Part::kMethod:
      return read_method(at, end);
    case Part::kTarget:
      return read_target(at, end);
    case Part::kVersion:
      return version_.read(at, end);
    default:
      break;
  }
  if (at == end) return H1Outcome::kMore;
  return *at++ == (part_ == Part::kCr ? '\r' : '\n') ? H1Outcome::kComplete : H1Outcome::kMalformed;
}

// With the space behind it.
H1Outcome H1RequestLine::read_method(const char*& at, const char* end) {
  const char* const bound = at_most(kLongestMethod - method_.size(), at, end);
  const char* const stop = h1_scan::past_token(at, bound);
  method_.append(at, stop);
  at = stop;
  if (at == end) return H1Outcome::kMore;
  if (*at != ' ' || method_.empty() || method_ == "PRI") return H1Outcome::kMalformed;
  ++at;
  form_.begin(method_ == "CONNECT");
  return H1Outcome::kComplete;
}

// With the space behind it.
H1Outcome H1RequestLine::read_target(const char*& at, const char* end) {
  const char* const bound = at_most(max_target_ - target_.size(), at, end);
  const char* const stop = form_.read(at, bound);
  target_.append(at, stop);
  at = stop;
  if (at == end) return H1Outcome::kMore;
  if (*at == ' ' && form_.may_end()) {
    ++at;
    return H1Outcome::kComplete;
  }
  return at == bound && *at != ' ' && *at != '\n' ? H1Outcome::kTargetTooLong : H1Outcome::kMalformed;
}

}  // namespace gatehouse
