#include "proxy/forward/link_field.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "common/text.h"

namespace gatehouse {

namespace {

constexpr std::string_view kBlank = " \t";

// Reads one value from its front to its end.
class LinkReader {
 public:
  explicit LinkReader(std::string_view value) : value_(value) {}

  // Nothing at the end, and where it cannot go on.
  std::optional<Link> next() {
    at_ = value_.find_first_not_of(" \t,", at_);
    if (at_ == kNowhere || value_[at_] != '<') return std::nullopt;
    const std::size_t begin = at_;
    const std::size_t end = value_.find('>', begin);
    if (end == kNowhere) return std::nullopt;
    Link link{.target = value_.substr(begin + 1, end - begin - 1)};
    at_ = end + 1;
    for (;;) {
      link.text = value_.substr(begin, at_ - begin);
      skip_blanks();
      if (at_ == value_.size() || value_[at_] == ',') return link;
      if (value_[at_] != ';' || !read_parameter(link)) return std::nullopt;
    }
  }

 private:
  static constexpr std::size_t kNowhere = std::string_view::npos;

  void skip_blanks() {
    at_ = value_.find_first_not_of(kBlank, at_);
    if (at_ == kNowhere) at_ = value_.size();
  }

  std::string_view read_until(std::string_view stops) {
    const std::size_t end = std::min(value_.find_first_of(stops, at_), value_.size());
    const std::string_view read = value_.substr(at_, end - at_);
    at_ = end;
    return read;
  }

  // Behind the opening quote. What is escaped stays so: no relation type has a backslash.
  std::optional<std::string_view> read_quoted() {
    const std::size_t begin = ++at_;
    for (; at_ < value_.size() && value_[at_] != '"'; ++at_) {
      if (value_[at_] == '\\') ++at_;
    }
    if (at_ >= value_.size()) return std::nullopt;
    return value_.substr(begin, at_++ - begin);
  }

  // From its semicolon on. False if a quote does not end.
  bool read_parameter(Link& link) {
    ++at_;
    skip_blanks();
    const std::string_view name = read_until("=;, \t");
    skip_blanks();
    std::string_view value;
    if (at_ < value_.size() && value_[at_] == '=') {
      ++at_;
      skip_blanks();
      if (at_ < value_.size() && value_[at_] == '"') {
        const auto quoted = read_quoted();
        if (!quoted) return false;
        value = *quoted;
      } else {
        value = read_until(";, \t");
      }
    }
    note(link, name, value);
    return true;
  }

  static void note(Link& link, std::string_view name, std::string_view value) {
    if (text::iequals(name, "rel") && link.relations.empty()) link.relations = value;
    if (text::iequals(name, "nopush")) link.nopush = true;
    if (text::iequals(name, "anchor")) link.anchored = true;
  }

  std::string_view value_;
  std::size_t at_ = 0;
};

}  // namespace

bool Link::is(std::string_view relation) const {
  std::string_view rest = relations;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (text::iequals(rest.substr(0, end), relation)) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

std::vector<Link> links_of(std::string_view value) {
  std::vector<Link> links;
  LinkReader reader(value);
  while (const auto link = reader.next()) links.push_back(*link);
  return links;
}

}  // namespace gatehouse
