// Diagnostics as people read them: under each the line that it is about, with a caret below the place, and the lines that
// would be right. Pure, but for the look at a terminal.
//
//   gatehouse.toml:6:13: "endpoints" must be a string, not an integer
//      6 | endpoints = [1]
//        |             ^
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "config/diagnostic.h"
#include "config/sources.h"

namespace gatehouse::config {

enum class Colours : std::uint8_t { kPlain, kAnsi };

// Each diagnostic with its excerpt. There is none where the line is not among the sources, is too long to be read, or
// has in it what came from the environment; what looks like a secret is covered (discretion.h).
std::string lines_with_excerpts(std::span<const Diagnostic> diagnostics, const Sources& sources, Colours colours);

// The same for whoever reads from this descriptor: at a terminal, with colours if it takes them; elsewhere it is one line
// for each diagnostic, as programs and logs want it.
std::string lines_for(int descriptor, std::span<const Diagnostic> diagnostics, const Sources& sources);

}  // namespace gatehouse::config
