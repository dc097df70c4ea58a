// The one error type of everything that can fail and whose caller can act: configuration, sockets, files, start-up.
// (What ends an exchange is a Fault, see proxy/http/fault.h; what is our own mistake is an assert.)
// Values, no thread affinity.
//
//   if (!fd) return system_failure("cannot open " + path, errno);         // in a function that returns a Result
//   if (!made) return std::unexpected(std::move(made).error());           // passes an error on as it is
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace gatehouse {

struct Error {
  // Says what was being done, to whom, and why it failed; in lower case and without a full stop, so that it can stand
  // in a longer sentence.
  std::string message;
  // The errno where there is one, else 0.
  int code = 0;
};

// Result<> is for what succeeds without a value; `return {};` says so.
template <class T = void>
using Result = std::expected<T, Error>;

// Converts to any Result<T>.
inline std::unexpected<Error> failure(std::string message, int code = 0) {
  return std::unexpected(Error{.message = std::move(message), .code = code});
}

// Returns "ECONNREFUSED"; empty for what has no name, 0 among it.
std::string_view errno_name(int code);

// As failure(), with the system's words for the errno `code` behind a colon: "cannot bind :80: Permission denied".
std::unexpected<Error> system_failure(std::string message, int code);

}  // namespace gatehouse
