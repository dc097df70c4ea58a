// PKCS#12 (.p12, .pfx): a certificate, its chain and its private key in one file, as Windows and Java keep them. Any
// thread; start, reload and `gatehouse check` only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/crypto/key_file.h"
#include "common/crypto/x509_handles.h"
#include "common/result.h"

namespace gatehouse::pkcs12 {

struct Parts {
  X509Ptr leaf;
  // Whoever has issued the one before it, as far as the file goes; the leaf's issuer first.
  std::vector<X509Ptr> issuers;
  KeyPtr key;
};

// `passphrase` opens it; null: there is none, or an empty one. Errors name `file`, say what would help, and never tell
// the passphrase.
Result<Parts> read(std::string_view text, const key_file::Key* passphrase, const std::string& file);

}  // namespace gatehouse::pkcs12
