#include "proxy/http/h1/h1_head.h"

namespace gatehouse {

H1Head::H1Head(Kind kind, const HeadLimits& limits)
    : kind_(kind),
      request_line_(limits.max_target_bytes),
      status_line_(limits.max_header_bytes),
      fields_(limits.of_head(), kind == Kind::kRequest ? H1Framing::Of::kRequest : H1Framing::Of::kResponse) {}

void H1Head::begin() {
  in_fields_ = false;
  if (kind_ == Kind::kRequest) {
    request_line_.begin();
  } else {
    status_line_.begin();
  }
  fields_.begin();
}

H1Read H1Head::read(std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  if (!in_fields_) {
    const H1Outcome outcome = kind_ == Kind::kRequest ? request_line_.read(at, end) : status_line_.read(at, end);
    if (outcome != H1Outcome::kComplete) return {.outcome = outcome, .consumed = bytes.size()};
    in_fields_ = true;
  }
  H1Read read = fields_.read({at, end});
  read.consumed += static_cast<std::size_t>(at - bytes.data());
  return read;
}

int H1Head::minor_version() const {
  return kind_ == Kind::kRequest ? request_line_.minor_version() : status_line_.minor_version();
}

}  // namespace gatehouse
