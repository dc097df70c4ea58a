#include "common/result.h"

#include <system_error>

namespace gatehouse {

std::unexpected<Error> system_failure(std::string message, int code) {
  message += ": ";
  message += std::generic_category().message(code);
  return failure(std::move(message), code);
}

}  // namespace gatehouse
