#include "tests/support/h1_oracle_llhttp.h"

#include <algorithm>

#include <llhttp.h>

#include "common/text.h"
#include "proxy/http/char_classes.h"
#include "proxy/http/message.h"

namespace gatehouse::testing {

namespace {

constexpr std::size_t kLongestReason = 256;

}  // namespace

struct H1OracleLlhttp::Llhttp {
  llhttp_t parser;

  static H1OracleLlhttp& head(llhttp_t* parser) { return *static_cast<H1OracleLlhttp*>(parser->data); }
  static const llhttp_settings_t& settings();
};

const llhttp_settings_t& H1OracleLlhttp::Llhttp::settings() {
  static const llhttp_settings_t kSettings = [] {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_url = [](llhttp_t* parser, const char* at, std::size_t size) {
      head(parser).target_.append(at, size);
      return 0;
    };
    settings.on_status = [](llhttp_t* parser, const char* at, std::size_t size) {
      head(parser).reason_.add({at, size});
      return 0;
    };
    settings.on_status_complete = [](llhttp_t* parser) {
      head(parser).end_reason();
      return 0;
    };
    settings.on_header_field = [](llhttp_t* parser, const char* at, std::size_t size) {
      head(parser).name_.add({at, size});
      return 0;
    };
    settings.on_header_value = [](llhttp_t* parser, const char* at, std::size_t size) {
      head(parser).value_.add({at, size});
      return 0;
    };
    settings.on_header_value_complete = [](llhttp_t* parser) {
      head(parser).end_field();
      return 0;
    };
    // The body is not llhttp's: it never gets past this.
    settings.on_headers_complete = [](llhttp_t* parser) -> int {
      head(parser).complete_ = true;
      return HPE_PAUSED;
    };
    return settings;
  }();
  return kSettings;
}

H1OracleLlhttp::H1OracleLlhttp(Kind kind, const FieldSection::Limit& limit)
    : llhttp_(std::make_unique<Llhttp>()), limit_(limit) {
  llhttp_init(&llhttp_->parser, kind == Kind::kRequest ? HTTP_REQUEST : HTTP_RESPONSE, &Llhttp::settings());
  llhttp_->parser.data = this;
}

H1OracleLlhttp::~H1OracleLlhttp() = default;

void H1OracleLlhttp::begin() {
  llhttp_reset(&llhttp_->parser);
  target_.clear();
  reason_.clear();
  name_.clear();
  value_.clear();
  section_.clear();
  complete_ = false;
  in_target_ = false;
}

void H1OracleLlhttp::begin_request(bool target_is_authority) {
  const std::string_view shown = target_is_authority ? "CONNECT " : "POST ";
  llhttp_execute(&llhttp_->parser, shown.data(), shown.size());
  in_target_ = true;
}

// Between the pieces that llhttp sees, which it hands over at once, come those that it does not.
bool H1OracleLlhttp::feed_target(std::string_view& bytes) {
  const std::size_t space = bytes.find(' ');
  in_target_ = space == std::string_view::npos;
  std::string_view target = bytes.substr(0, space);
  if (!char_classes::has_high_byte(target)) return true;
  bytes.remove_prefix(target.size());
  while (!target.empty()) {
    const auto is_high = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
    const auto high = std::ranges::find_if(target, is_high);
    const std::string_view shown = target.substr(0, static_cast<std::size_t>(high - target.begin()));
    if (!shown.empty() && llhttp_execute(&llhttp_->parser, shown.data(), shown.size()) != HPE_OK) return false;
    const auto hidden = static_cast<std::size_t>(std::ranges::find_if_not(high, target.end(), is_high) - high);
    target_.append(target, shown.size(), hidden);
    target.remove_prefix(shown.size() + hidden);
  }
  return true;
}

H1OracleLlhttp::Outcome H1OracleLlhttp::feed(std::string_view bytes) {
  llhttp_t* const parser = &llhttp_->parser;
  if (in_target_ && !feed_target(bytes)) return Outcome::kBad;
  const llhttp_errno_t result = llhttp_execute(parser, bytes.data(), bytes.size());
  reason_.keep();
  name_.keep();
  value_.keep();
  if (section_.too_large()) return Outcome::kTooLarge;
  if (complete_) {
    // It stands on the byte that ended the head; anything behind that would be read by nobody.
    const bool at_the_end = result == HPE_PAUSED && llhttp_get_error_pos(parser) >= bytes.data() + bytes.size() - 1;
    return at_the_end ? Outcome::kComplete : Outcome::kBad;
  }
  if (result == HPE_OK) return Outcome::kMore;
  return result == HPE_INVALID_VERSION ? Outcome::kBadVersion : Outcome::kBad;
}

int H1OracleLlhttp::minor_version() const {
  return llhttp_->parser.http_major == 1 ? llhttp_->parser.http_minor : -1;
}

int H1OracleLlhttp::status() const {
  return llhttp_->parser.status_code;
}

bool H1OracleLlhttp::agrees(bool chunked, bool has_length) const {
  const unsigned flags = llhttp_->parser.flags;
  return ((flags & F_CHUNKED) != 0) == chunked && ((flags & F_CONTENT_LENGTH) != 0) == has_length;
}

// Few values have blanks around them, and there are many values.
void H1OracleLlhttp::end_field() {
  std::string_view value = value_.text();
  if (!value.empty() && (text::is_blank(value.front()) || text::is_blank(value.back()))) value = text::trim(value);
  section_.add(name_.text(), value, limit_);
  name_.clear();
  value_.clear();
}

// Nearly always the registered phrase, which the writer knows.
void H1OracleLlhttp::end_reason() {
  const std::string_view phrase = reason_.text();
  if (phrase == reason_phrase(static_cast<std::uint16_t>(status()))) {
    reason_.clear();
  } else if (phrase.size() > kLongestReason || char_classes::has_control(phrase)) {
    reason_ = {};
  }
}

void H1OracleLlhttp::Span::add(std::string_view piece) {
  if (view.empty() && copy.empty()) {
    view = piece;
    return;
  }
  keep();
  copy.append(piece);
}

void H1OracleLlhttp::Span::keep() {
  if (view.empty()) return;
  copy.append(view);
  view = {};
}

void H1OracleLlhttp::Span::clear() {
  view = {};
  copy.clear();
}

}  // namespace gatehouse::testing
