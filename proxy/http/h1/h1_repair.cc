#include "proxy/http/h1/h1_repair.h"

#include <optional>

#include "common/text.h"

namespace gatehouse {

namespace {

constexpr std::string_view kLengthName = "content-length";
// No number needs more; a longer line is not looked at any more closely.
constexpr std::size_t kLongestHeld = 64;
// Those who repeat themselves more often are refused: a head has an end.
constexpr std::uint8_t kMostDropped = 8;

void note(Repairs& made, Repair repair) {
  made.set(static_cast<std::size_t>(repair));
}

// The one number in a list that has nothing but it; nothing for any other list.
std::optional<std::string_view> only_number(std::string_view list) {
  std::optional<std::string_view> only;
  for (;;) {
    const std::size_t comma = list.find(',');
    const std::string_view element = text::trim(list.substr(0, comma));
    if (!text::parse_decimal(element) || (only && *only != element)) return std::nullopt;
    only = element;
    if (comma == std::string_view::npos) return only;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

void H1Repair::begin() {
  line_ = Line::kStatus;
  empty_ = true;
  after_cr_ = false;
  ended_ = false;
  dropped_ = 0;
  held_.clear();
  length_.clear();
}

H1Repair::Step H1Repair::mend(std::string_view input) {
  text_.clear();
  std::size_t consumed = 0;
  while (consumed < input.size()) {
    if (take(input[consumed++])) break;
  }
  return {.text = text_, .consumed = consumed};
}

bool H1Repair::take(char c) {
  if (ended_) {
    ended_ = false;
    if (text::is_blank(c) && line_ != Line::kStatus) {
      note(made_, Repair::kFold);
      release();
      text_ += ' ';
      return false;
    }
    end_line();
  }
  if (c == '\n') {
    if (!after_cr_) note(made_, Repair::kLineEnd);
    after_cr_ = false;
    if (empty_) text_ += "\r\n";
    ended_ = !empty_;
    return empty_;
  }
  // Within a line it is for the readers to refuse.
  if (after_cr_) pass('\r');
  after_cr_ = c == '\r';
  if (!after_cr_) pass(c);
  return false;
}

void H1Repair::pass(char c) {
  empty_ = false;
  if (line_ == Line::kStatus || line_ == Line::kOther) {
    text_ += c;
    return;
  }
  held_ += c;
  if (line_ == Line::kLength) {
    if (held_.size() > kLongestHeld) release();
    return;
  }
  const bool named = held_.size() > kLengthName.size();
  if (named && c == ':') {
    line_ = Line::kLength;
  } else if (named || !text::iequals(held_, kLengthName.substr(0, held_.size()))) {
    release();
  }
}

void H1Repair::end_line() {
  if (line_ != Line::kLength || passes_length()) {
    text_ += held_;
    text_ += "\r\n";
  }
  held_.clear();
  line_ = Line::kName;
  empty_ = true;
}

bool H1Repair::passes_length() {
  const std::string_view value = std::string_view(held_).substr(kLengthName.size() + 1);
  const std::optional<std::string_view> number = only_number(value);
  if (!number) return true;
  const bool again = *number == length_;
  if (again && dropped_ == kMostDropped) return true;
  if (again) ++dropped_;
  if (again || value.contains(',')) note(made_, Repair::kLength);
  if (again || !length_.empty()) return !again;
  length_ = *number;
  held_ = "Content-Length: " + length_;
  return true;
}

void H1Repair::release() {
  text_ += held_;
  held_.clear();
  line_ = Line::kOther;
}

}  // namespace gatehouse
