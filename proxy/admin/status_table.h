// The status as text for terminals and for `curl`: tables made of /status.json and nothing else, so that whoever has
// that can have these. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace gatehouse {

enum class TableColours { kPlain, kAnsi };

// An error where `json` is not a status that this version can read. Names and texts in it may be anybody's: control
// characters in them come out as question marks.
Result<std::string> status_table(std::string_view json, TableColours colours);

}  // namespace gatehouse
