#include "proxy/http/h1/h1_fields.h"

#include <algorithm>

#include "common/text.h"
#include "proxy/http/h1/h1_scan.h"

namespace gatehouse {

void H1Fields::begin() {
  section_.clear();
  if (framing_) framing_->begin();
  held_.clear();
  room_ = limit_.bytes;
  at_ = 0;
  place_ = Place::kName;
}

H1Read H1Fields::read(std::string_view bytes) {
  const char* line = bytes.data();
  const char* const end = line + bytes.size();
  const auto said = [&bytes](H1Outcome outcome, const char* at) {
    return H1Read{.outcome = outcome, .consumed = static_cast<std::size_t>(at - bytes.data())};
  };
  if (!held_.empty()) {
    const H1Outcome outcome = read_held(line, end);
    if (outcome != H1Outcome::kMore || !held_.empty()) return said(outcome, line);
  }
  while (line != end) {
    H1Outcome outcome = read_line(line, end);
    const char* const at = line + at_;
    if (outcome != H1Outcome::kMore) return said(outcome, at);
    if (place_ != Place::kNextLine || at == end) {
      held_.assign(line, end);
      return said(H1Outcome::kMore, end);
    }
    outcome = end_line(line, *at);
    if (outcome != H1Outcome::kMore) return said(outcome, at);
    line = at;
  }
  return said(H1Outcome::kMore, end);
}

H1Outcome H1Fields::read_held(const char*& at, const char* end) {
  if (place_ != Place::kNextLine) {
    const char* stop = std::find(at, end, '\n');
    if (stop != end) ++stop;
    held_.append(at, stop);
    at = stop;
    const H1Outcome outcome = read_line(held_.data(), held_.data() + held_.size());
    if (outcome != H1Outcome::kMore) return outcome;
  }
  if (place_ != Place::kNextLine || at == end) return H1Outcome::kMore;
  const H1Outcome outcome = end_line(held_.data(), *at);
  held_.clear();
  return outcome;
}

H1Outcome H1Fields::read_line(const char* line, const char* end) {
  const char* const bound = h1_scan::at_most(room_ + 1, line, end);  // with its CR
  const char* at = line + at_;
  switch (place_) {
    case Place::kName:
      at = h1_scan::past_token(at, bound);
      if (at == bound) break;
      if (at == line && *at == '\r') return end_section(line, end);
      if (at == line || *at != ':' || !end_name(line, at)) return H1Outcome::kMalformed;
      ++at;
      place_ = Place::kBlanks;
      [[fallthrough]];
    case Place::kBlanks:
      while (at != bound && text::is_blank(*at)) ++at;
      if (at == bound) break;
      if (frames_ && *at != '\r' && !framing_->begin_value(name_)) return H1Outcome::kMalformed;
      value_at_ = static_cast<std::size_t>(at - line);
      place_ = Place::kValue;
      [[fallthrough]];
    case Place::kValue:
      at = frames_ ? framing_->read_value(name_, at, bound) : h1_scan::past_value(at, bound);
      if (at == bound) break;
      if (*at != '\r') return H1Outcome::kMalformed;
      ++at;
      place_ = Place::kLf;
      [[fallthrough]];
    case Place::kLf:
      if (at == end) break;
      if (*at != '\n') return H1Outcome::kMalformed;
      ++at;
      place_ = Place::kNextLine;
      break;
    default:
      return end_section(line, end);
  }
  at_ = static_cast<std::size_t>(at - line);
  if (place_ > Place::kValue || at == end) return H1Outcome::kMore;
  return *at == '\n' ? H1Outcome::kMalformed : H1Outcome::kTooLarge;
}

// The line begins with a CR.
H1Outcome H1Fields::end_section(const char* line, const char* end) {
  place_ = Place::kLastLf;
  at_ = 1;
  if (end - line == 1) return H1Outcome::kMore;
  if (line[1] != '\n') return H1Outcome::kMalformed;
  at_ = 2;
  held_ = std::string();  // few heads need memory for this, and idle connections need none
  return H1Outcome::kComplete;
}

bool H1Fields::end_name(const char* line, const char* colon) {
  name_size_ = static_cast<std::size_t>(colon - line);
  name_ = field_name({line, name_size_});
  frames_ = framing_ && H1Framing::concerns(name_);
  return !frames_ || framing_->begin_field(name_);
}

H1Outcome H1Fields::end_line(const char* line, char next) {
  constexpr std::size_t kLineEnd = 2;  // CR LF
  if (text::is_blank(next) || next == '\n') return H1Outcome::kMalformed;
  const std::size_t size = at_ - kLineEnd;
  std::size_t value_end = size;
  while (value_end > value_at_ && text::is_blank(line[value_end - 1])) --value_end;
  const std::string_view value(line + value_at_, value_end - value_at_);
  if (frames_ && !framing_->end_field(name_, value.empty())) return H1Outcome::kMalformed;
  room_ -= std::min(room_, size);
  at_ = 0;
  place_ = Place::kName;
  const FieldSection::Verdict verdict = section_.add(name_, {line, name_size_}, value, limit_);
  return verdict == FieldSection::Verdict::kWithin ? H1Outcome::kMore : H1Outcome::kTooLarge;
}

}  // namespace gatehouse
