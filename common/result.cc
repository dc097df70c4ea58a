#include "common/result.h"

#include <cstring>
#include <system_error>

namespace gatehouse {

std::string_view errno_name(int code) {
  const char* const name = code == 0 ? nullptr : strerrorname_np(code);
  return name == nullptr ? std::string_view() : name;
}

std::unexpected<Error> system_failure(std::string message, int code) {
  message += ": ";
  message += std::generic_category().message(code);
  return failure(std::move(message), code);
}

}  // namespace gatehouse
