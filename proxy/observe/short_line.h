// The access log as a person at a terminal reads it: one line an exchange that is never wider than the terminal, with
// the local time. Pure but for the time zone; any thread.
//
//   14:05:09 200   12 ms h2 GET /api/orders?x=1
//   14:05:10 502 0.41 ms h3 POST /api/orders connect_refused ECONNREFUSED
#pragma once

#include <string>

#include "proxy/observe/access_record.h"
#include "proxy/observe/log_text.h"

namespace gatehouse {

// Appends the line with its end. What does not fit is left out of the path, which ends with an ellipsis then. Of what a
// client sent only printable ASCII comes out as it is.
void append_short_line(std::string& out, const AccessRecord& record, const LineStyle& style, log_text::LogTime& times);

}  // namespace gatehouse
