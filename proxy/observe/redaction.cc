#include "proxy/observe/redaction.h"

#include <algorithm>
#include <array>

#include "common/text.h"

namespace gatehouse {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_word_character(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
}

std::uint32_t bit_of(char c) {
  return 1U << (static_cast<unsigned char>(lower(c)) & 31U);
}

// The end of a name, decoded: as much of it as words can be compared with.
class NameEnd {
 public:
  explicit NameEnd(std::string_view name) {
    constexpr std::size_t kRaw = 3 * kRoom;
    if (name.size() > kRaw) name.remove_prefix(name.size() - kRaw);
    while (!name.empty()) {
      const int decoded = text::escaped_byte(name);
      if (size_ == text_.size()) {
        std::shift_left(text_.begin(), text_.end(), 1);
        --size_;
      }
      text_[size_++] = decoded < 0 ? name.front() : static_cast<char>(decoded);
      name.remove_prefix(decoded < 0 ? 1 : 3);
    }
  }
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  static constexpr std::size_t kRoom = Redaction::kLongestWord + 16;
  std::array<char, kRoom> text_;
  std::size_t size_ = 0;
};

// Where a word that ends a name begins: behind what is no part of a word, or, in camelCase, with a capital.
bool begins_a_word(std::string_view name, std::size_t at) {
  if (at == 0 || !is_word_character(name[at - 1])) return true;
  return is_upper(name[at]) && !is_upper(name[at - 1]);
}

}  // namespace

Redaction::Redaction(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word.empty()) continue;
    words_.push_back(text::lower(word));
    last_letters_ |= bit_of(word.back());
  }
}

bool Redaction::is_secret(std::string_view name) const {
  const bool plain = name.find('%') == std::string_view::npos;
  if (plain && !name.empty() && is_word_character(name.back()) && (last_letters_ & bit_of(name.back())) == 0) {
    return false;
  }
  const NameEnd end(name);
  std::string_view decoded = end.text();
  while (!decoded.empty() &&
         (decoded.back() == ']' || decoded.back() == '[' || decoded.back() == ' ' || decoded.back() == '+')) {
    decoded.remove_suffix(1);
  }
  return std::ranges::any_of(words_, [decoded](const std::string& word) {
    if (decoded.size() < word.size()) return false;
    const std::size_t at = decoded.size() - word.size();
    return text::iequals(decoded.substr(at), word) && begins_a_word(decoded, at);
  });
}

// One look through a text. Nothing is copied before the first value that is left out.
class Redaction::Pass {
 public:
  Pass(const Redaction& redaction, std::string_view text, std::string& room)
      : redaction_(redaction), text_(text), room_(room) {}

  // From `at` on the text is parameters.
  void parameters(std::size_t at) {
    while (at < text_.size()) {
      const std::size_t end = std::min(text_.find_first_of("&#", at), text_.size());
      parameter(at, end);
      at = end + 1;
    }
  }
  void leave_out(std::size_t from, std::size_t to) {
    if (from == to) return;
    if (!changed_) room_.clear();
    room_ += text_.substr(copied_, from - copied_);
    room_ += kMask;
    copied_ = to;
    changed_ = true;
  }
  std::string_view result() {
    if (!changed_) return text_;
    room_ += text_.substr(copied_);
    return room_;
  }

 private:
  void parameter(std::size_t at, std::size_t end) {
    const std::size_t equals = std::min(text_.find('=', at), end);
    if (equals < end && redaction_.is_secret(text_.substr(at, equals - at))) return leave_out(equals + 1, end);
    nested(equals < end ? equals + 1 : at, end);
  }

  // Names and values inside a value: at its start, and behind what separates parameters, escaped or not. A value that
  // is left out goes to the next "&", escaped or not.
  void nested(std::size_t at, std::size_t end) {
    std::size_t name = at;
    while (at < end) {
      const int decoded = text::escaped_byte(text_.substr(at, end - at));
      const char c = decoded < 0 ? text_[at] : static_cast<char>(decoded);
      const std::size_t next = at + (decoded < 0 ? 1 : 3);
      if (c == '=' && redaction_.is_secret(text_.substr(name, at - name))) {
        const std::size_t value_end = end_of_nested(next, end);
        leave_out(next, value_end);
        at = value_end;
        continue;
      }
      if (c == '?' || c == '&' || c == '#' || c == ';' || c == '=') name = next;
      at = next;
    }
  }
  std::size_t end_of_nested(std::size_t at, std::size_t end) const {
    while (at < end && text::escaped_byte(text_.substr(at, end - at)) != '&') ++at;
    return at;
  }

  const Redaction& redaction_;
  const std::string_view text_;
  std::string& room_;
  std::size_t copied_ = 0;  // of the text
  bool changed_ = false;
};

std::string_view Redaction::query(std::string_view query, std::string& room) const {
  if (query.empty() || words_.empty()) return query;
  Pass pass(*this, query, room);
  pass.parameters(0);
  return pass.result();
}

std::string_view Redaction::url(std::string_view url, std::string& room) const {
  if (url.find_first_of("?#@") == std::string_view::npos) return url;
  Pass pass(*this, url, room);
  const std::size_t mark = std::min(url.find_first_of("?#"), url.size());
  const std::size_t slashes = url.substr(0, mark).find("//");
  if (slashes == 0 || (slashes != std::string_view::npos && url[slashes - 1] == ':')) {
    const std::size_t authority = slashes + 2;
    const std::size_t path = std::min(url.find_first_of("/\\", authority), mark);
    const std::size_t at = url.substr(authority, path - authority).rfind('@');
    if (at != std::string_view::npos) pass.leave_out(authority, authority + at);
  }
  if (mark < url.size() && !words_.empty()) pass.parameters(mark + 1);
  return pass.result();
}

}  // namespace gatehouse
