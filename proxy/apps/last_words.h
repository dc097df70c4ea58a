// What the last output of a process says of why it ended, in a few words for the log, the status and the error page.
// Knows what the host and the runtime of .NET write. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::last_words {

// Returns "" if nothing in it is known. What stands in the output may come back in part: it is not safe to show as it
// is.
std::string cause(std::string_view output);

}  // namespace gatehouse::last_words
