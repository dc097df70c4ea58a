// The one error type of everything that can fail and whose caller can act: configuration, sockets, files, start-up.
// (What ends an exchange is a Fault, see proxy/http/fault.h; what is our own mistake is an assert.)
// Values, no thread affinity.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace gatehouse {

struct Error {
  std::string message;  // complete sentence fragment: what was being done, to whom, and why it failed
  int code = 0;         // errno where there is one, else 0
};

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> failure(std::string message, int code = 0) {
  return std::unexpected(Error{.message = std::move(message), .code = code});
}

// "MESSAGE: strerror(code)", with the code kept.
std::unexpected<Error> system_failure(std::string message, int code);

}  // namespace gatehouse
