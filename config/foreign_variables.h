// Placeholders of other servers ("$remote_addr", "{client_ip}") in a text where there are none: it would reach clients or
// endpoints as it stands. Data, and a search in it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::config {

struct ForeignVariable {
  // As it is written: "$http_upgrade".
  std::string text;
  // What does here what it is for there; "" if nothing does.
  std::string_view advice;
};

// The first one in `text`. A "$" before anything that is no variable of nginx stands for itself, as do braces around
// anything that is no placeholder of Caddy.
std::optional<ForeignVariable> find_foreign_variable(std::string_view text);

// Returns `target`, of a redirect, with our placeholders instead; nothing if there are none for all of its variables.
std::optional<std::string> translated_redirect(std::string_view target);

}  // namespace gatehouse::config
