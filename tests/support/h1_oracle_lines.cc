#include "tests/support/h1_oracle_lines.h"

#include <algorithm>

namespace gatehouse::testing {

namespace {

constexpr std::string_view kVersion = "HTTP/d.d";

}  // namespace

void H1OracleLines::begin(First first, const Limits& limits, const Faults& faults) {
  *this = {};
  line_ = first;
  limits_ = limits;
  faults_ = faults;
}

H1OracleLines::Scan H1OracleLines::scan(std::string_view input) {
  std::size_t good = 0;
  while (good < input.size()) {
    const Scan line = scan_line(input.substr(good));
    good += line.good;
    if (line.done || line.fault) return {.good = good, .done = line.done, .fault = line.fault};
  }
  return {.good = good};
}

// One line, or what there is of it. All that is decided here is decided at the same byte however the input was cut.
H1OracleLines::Scan H1OracleLines::scan_line(std::string_view input) {
  const std::size_t feed = input.find('\n');
  const std::string_view text = input.substr(0, feed);
  const std::size_t bad = first_malformed(text);
  if (const auto excess = first_excess(text); excess && *excess < bad)
    return {.good = *excess, .fault = excess_fault()};
  if (bad != std::string_view::npos) return {.good = bad, .fault = faults_.malformed};
  if (!text.empty()) after_cr_ = text.back() == '\r';
  line_size_ += text.size();
  if (feed == std::string_view::npos) return {.good = text.size()};

  const bool no_version = line_ == First::kTargetAndVersion && version_size_ != kVersion.size();
  if (!after_cr_ || no_version) return {.good = feed, .fault = faults_.malformed};
  const bool last = line_size_ == 1;
  if (last && line_ != First::kField) return {.good = feed, .fault = faults_.malformed};
  end_line();
  return {.good = feed + 1, .done = last};
}

// Where in `text`, the next bytes of this line, its shape is wrong.
std::size_t H1OracleLines::first_malformed(std::string_view text) {
  constexpr std::size_t kNowhere = std::string_view::npos;
  if (text.empty()) return kNowhere;
  if (after_cr_) return 0;
  const bool starts_blank = line_size_ == 0 && (text[0] == ' ' || (text[0] == '\t' && line_ == First::kField));
  if (starts_blank) return 0;  // folded, or one space too many before a target
  std::size_t bad = kNowhere;
  if (const std::size_t cr = text.find('\r'); cr != kNowhere && cr + 1 < text.size()) bad = cr + 1;
  if (line_ == First::kTargetAndVersion) bad = std::min(bad, first_wrong_in_version(text));
  return bad;
}

// Behind the target: one space, "HTTP/", digit, dot, digit, CR. Which digits they may be is for others to say.
std::size_t H1OracleLines::first_wrong_in_version(std::string_view text) {
  std::size_t i = 0;
  if (!target_ended_) {
    i = text.find(' ');
    if (i == std::string_view::npos) return i;
    ++i;
  }
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r' && version_size_ == kVersion.size()) continue;
    if (version_size_ == kVersion.size()) return i;
    const char expected = kVersion[version_size_];
    const bool fine = expected == 'd' ? c >= '0' && c <= '9' : c == expected;
    if (!fine) return i;
    ++version_size_;
  }
  return std::string_view::npos;
}

// Where in `bytes`, the next ones of this line, a limit is passed; counts them.
std::optional<std::size_t> H1OracleLines::first_excess(std::string_view bytes) {
  std::size_t allowed = limits_.max_bytes;
  switch (line_) {
    case First::kTargetAndVersion:
      if (target_ended_) return std::nullopt;  // a version is short, or no version
      if (const std::size_t space = bytes.find(' '); space != std::string_view::npos) {
        target_ended_ = true;
        bytes = bytes.substr(0, space);
      }
      allowed = limits_.max_target;
      break;
    case First::kStatusLine:
      break;
    case First::kField: {
      // The empty line that ends the section is no field.
      if (line_size_ == 0 && (bytes.empty() || bytes[0] == '\r')) return std::nullopt;
      allowed = allowed - std::min(allowed, section_size_) + 1;
      break;
    }
  }
  const std::size_t left = allowed - std::min(allowed, line_size_);
  if (bytes.size() <= left) return std::nullopt;
  return left;
}

Fault H1OracleLines::excess_fault() const {
  return line_ == First::kTargetAndVersion ? Fault::kTargetTooLong : faults_.too_large;
}

void H1OracleLines::end_line() {
  if (line_ == First::kField && line_size_ > 1) section_size_ += line_size_ - 1;
  line_ = First::kField;
  line_size_ = 0;
  after_cr_ = false;
}

}  // namespace gatehouse::testing
