// How wide a character is on a terminal, so that something can be put below it, and which may not get there. By tables of
// our own, because wcwidth(3) depends on a locale that nobody sets. Pure.
#pragma once

#include <cstddef>

namespace gatehouse::config {

// Columns: 0 for what combines with the character before it, 2 for wide ones of East Asia and pictures, else 1.
std::size_t display_width(char32_t character);

// Whether it may not reach a terminal as it is: controls, and what turns the direction of text around.
bool is_unprintable(char32_t character);

}  // namespace gatehouse::config
