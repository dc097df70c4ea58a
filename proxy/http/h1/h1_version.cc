#include "proxy/http/h1/h1_version.h"

#include "common/text.h"

namespace gatehouse {

H1Outcome H1Version::read(const char*& at, const char* end) {
  // The only one that is met often, and whole.
  constexpr std::string_view kUsual = "HTTP/1.1";
  if (size_ == 0 && std::string_view(at, end).starts_with(kUsual)) {
    at += kUsual.size();
    size_ = kUsual.size();
    major_ = minor_ = 1;
    return H1Outcome::kComplete;
  }
  while (size_ < kForm.size()) {
    if (at == end) return H1Outcome::kMore;
    const char expected = kForm[size_];
    if (expected == 'd' ? !text::is_digit(*at) : *at != expected) return H1Outcome::kMalformed;
    if (expected == 'd') (size_ + 1U == kForm.size() ? minor_ : major_) = static_cast<std::int8_t>(*at - '0');
    ++size_;
    ++at;
  }
  return is_known() ? H1Outcome::kComplete : H1Outcome::kUnknownVersion;
}

bool H1Version::is_known() const {
  if (major_ == 1) return minor_ <= 1;
  return (major_ == 0 && minor_ == 9) || (major_ == 2 && minor_ == 0);
}

}  // namespace gatehouse
