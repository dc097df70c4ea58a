// The lines that a process writes to the registration socket, as what they ask for. Pure, any thread; what the socket
// says in return is in registration_socket.h.
//
//   register PREFIX TARGET        TARGET is 127.0.0.1:PORT, [::1]:PORT, localhost:PORT, or fd (registration_target.h)
//   release PREFIX                what the same connection has registered
//   drain                         all of that
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "common/result.h"
#include "config/policy/url_prefix.h"

namespace gatehouse {

namespace registration_line {
struct Register {
  UrlPrefix prefix;
  std::string target;
};
struct Release {
  UrlPrefix prefix;
};
struct Drain {};
}  // namespace registration_line

using RegistrationLine =
    std::variant<registration_line::Register, registration_line::Release, registration_line::Drain>;

// Without the end of the line. The error says what is wrong.
Result<RegistrationLine> parse_registration_line(std::string_view line);

}  // namespace gatehouse
