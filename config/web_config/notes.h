// Where things stand in a web.config and what is to be said about them: what the readers of its parts share. Made for
// one parse; the text outlives it.
#pragma once

#include <cstddef>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.h"

namespace gatehouse::config {

class WebConfigNotes {
 public:
  WebConfigNotes(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {}

  Location whole_file() const { return {.file = file_}; }
  Location place_of(std::size_t offset) const;
  Location place_of(const pugi::xml_node& node) const;
  // Of the attribute in the element's tag.
  Location place_of(const pugi::xml_node& node, const pugi::xml_attribute& attribute) const;

  void error(const Location& where, std::string message);
  void warning(const Location& where, std::string message);
  // Says so of an element; comments are passed over.
  void not_used(const pugi::xml_node& node);
  // The same with the reason, or what to write instead.
  void not_used(const pugi::xml_node& node, std::string_view why);

  std::vector<Diagnostic> take() { return std::move(diagnostics_); }
  bool has_errors() const { return config::has_errors(diagnostics_); }

 private:
  const std::string_view text_;
  const std::string file_;
  std::vector<Diagnostic> diagnostics_;
};

}  // namespace gatehouse::config
