// Private keys of certificates, from PEM and with or without a passphrase, which no message tells. Any thread; start,
// reload and `gatehouse check` only.
#pragma once

#include <string>
#include <string_view>

#include "common/crypto/key_file.h"
#include "common/crypto/x509_handles.h"
#include "common/result.h"

namespace gatehouse::private_key {

// Reads the first key of `pem`. `passphrase` is for one that is encrypted; null: there is none. Errors name `file` and
// say what would help.
Result<KeyPtr> read(std::string_view pem, const key_file::Key* passphrase, const std::string& file);

}  // namespace gatehouse::private_key
