// What is said of a running process in a line, where the whole status would be too much: which one it is, and what it
// still has under way. Made of /status.json and nothing else. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace gatehouse {

struct StatusSummary {
  std::int64_t pid = 0;
  // "3h05m"
  std::string age;
  // "from the command line" where there is none.
  std::string file;
  // "https://:8443 http://127.0.0.1:8080"
  std::string listeners;
  // "2 requests in flight, app web (pid 12, 13)"; empty: nothing.
  std::string under_way;
};

// An error where `json` is no status, or has another schema than kStatusSchema. Texts are as they came: see
// terminal_text() of status_grid.h.
Result<StatusSummary> status_summary(std::string_view json);

}  // namespace gatehouse
