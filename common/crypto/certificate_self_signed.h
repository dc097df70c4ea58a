// A certificate for this machine that nobody else vouches for, so that TLS works before anybody has got a real one:
// ECDSA P-256, for localhost, 127.0.0.1 and ::1, valid for 398 days. It is kept in a directory as localhost.pem and
// localhost-key.pem, and made anew in its last 30 days. Start-up only; several processes may ask at once.
#pragma once

#include <filesystem>
#include <string>

#include "common/result.h"

namespace gatehouse::self_signed {

// PEM files; that of the key has mode 0600.
struct Files {
  std::string certificate;
  std::string private_key;
};

// Returns the files, made now if they are not there, do not fit each other or are about to expire. Waits for another
// process that is at it. Errors say which file cannot be written. REQUIRES: `directory` exists
Result<Files> ensure(const std::filesystem::path& directory);

}  // namespace gatehouse::self_signed
