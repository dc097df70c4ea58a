#include "config/web_config/notes.h"

#include <algorithm>
#include <format>
#include <utility>

namespace gatehouse::config {

Location WebConfigNotes::place_of(std::size_t offset) const {
  const std::string_view before = text_.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {.file = file_,
          .line = static_cast<unsigned>(1 + std::ranges::count(before, '\n')),
          .column = static_cast<unsigned>(before.size() - line_start + 1)};
}

Location WebConfigNotes::place_of(const pugi::xml_node& node) const {
  return place_of(static_cast<std::size_t>(std::max<std::ptrdiff_t>(node.offset_debug(), 0)));
}

// The parser keeps no places of attributes: it is the first word of that name in the element's tag.
Location WebConfigNotes::place_of(const pugi::xml_node& node, const pugi::xml_attribute& attribute) const {
  const auto start = static_cast<std::size_t>(std::max<std::ptrdiff_t>(node.offset_debug(), 0));
  const std::string_view name = attribute.name();
  for (std::size_t at = text_.find(name, start); at != std::string_view::npos; at = text_.find(name, at + 1)) {
    if (at > start && std::string_view(" \t\r\n").contains(text_[at - 1])) return place_of(at);
  }
  return place_of(start);
}

void WebConfigNotes::error(const Location& where, std::string message) {
  diagnostics_.push_back({.location = where, .message = std::move(message)});
}

void WebConfigNotes::warning(const Location& where, std::string message) {
  diagnostics_.push_back({.severity = Severity::kWarning, .location = where, .message = std::move(message)});
}

void WebConfigNotes::not_used(const pugi::xml_node& node) {
  if (node.type() != pugi::node_element) return;
  warning(place_of(node), std::format("<{}> is not used here", node.name()));
}

void WebConfigNotes::not_used(const pugi::xml_node& node, std::string_view why) {
  warning(place_of(node), std::format("<{}> is not used here: {}", node.name(), why));
}

}  // namespace gatehouse::config
