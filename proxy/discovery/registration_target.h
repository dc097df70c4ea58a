// Where a registration leads: a port of loopback where its user listens, or a socket that he has passed. A path is never
// looked up for him: what he can name he might make wait for ever, or lead elsewhere. Any thread.
//
//   127.0.0.1:5001   [::1]:5001   localhost:5001      the listener is his: looked at now, and at each connect
//   fd, with a descriptor by SCM_RIGHTS:
//     a listening TCP socket                          while we hold it, nobody else can listen there
//     a listening Unix socket with an abstract name   likewise
//     the file of a Unix socket, opened by O_PATH     who listens there is looked at now, and at each connect
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/address.h"
#include "common/fd.h"
#include "common/result.h"

namespace gatehouse {

struct RegistrationTarget {
  Address address;
  // For people: "127.0.0.1:5001", "a passed socket on 127.0.0.1:5001".
  std::string text;
  // Who must be there at each connect; nothing: what is held makes that sure.
  std::optional<uid_t> listening_user;
  // What was passed; null: nothing.
  std::shared_ptr<const Fd> holds;
};

// `passed` is what has come with the line, or no descriptor. The error says what is wrong, and what would be right.
Result<RegistrationTarget> registration_target(std::string_view text, Fd passed, uid_t user);

}  // namespace gatehouse
