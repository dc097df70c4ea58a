// The status as text for terminals and for `curl`: tables made of /status.json and nothing else, so that whoever has
// that can have these. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace gatehouse {

// kAnsi writes escape sequences for terminals, kPlain none.
enum class TableColours { kPlain, kAnsi };

// The whole table, its last line ended. An error where `json` is no status, lacks a member that the table shows, or
// has another schema than kStatusSchema. Names and texts in it may be anybody's: control characters in them come out
// as question marks (see status_grid.h). Of the faults it shows the last ten.
Result<std::string> status_table(std::string_view json, TableColours colours);

}  // namespace gatehouse
