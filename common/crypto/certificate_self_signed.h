// A certificate for this machine that nobody else vouches for, so that TLS works before anybody has got a real one:
// ECDSA P-256, for localhost, 127.0.0.1 and ::1, kept in a directory and made anew when it is about to expire. Start-up
// only; several processes may ask at once.
#pragma once

#include <filesystem>
#include <string>

#include "common/result.h"

namespace gatehouse::self_signed {

struct Files {
  std::string certificate;
  std::string private_key;  // mode 0600
};

// REQUIRES: `directory` exists.
Result<Files> ensure(const std::filesystem::path& directory);

}  // namespace gatehouse::self_signed
