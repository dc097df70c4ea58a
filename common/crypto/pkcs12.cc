#include "common/crypto/pkcs12.h"

#include <algorithm>
#include <format>
#include <memory>
#include <utility>

#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

namespace gatehouse::pkcs12 {

namespace {

struct BagDeleter {
  void operator()(PKCS12* bag) const { PKCS12_free(bag); }
};

// The file may have them in any order, and others beside them.
std::vector<X509Ptr> in_order(X509* leaf, STACK_OF(X509) * all) {
  std::vector<X509Ptr> issuers;
  X509* issued = leaf;
  while (X509_check_issued(issued, issued) != X509_V_OK) {
    X509* found = nullptr;
    for (int i = 0; found == nullptr && i < sk_X509_num(all); ++i) {
      X509* const candidate = sk_X509_value(all, i);
      const bool used =
          std::ranges::any_of(issuers, [&](const X509Ptr& each) { return X509_cmp(each.get(), candidate) == 0; });
      if (!used && X509_check_issued(candidate, issued) == X509_V_OK) found = candidate;
    }
    if (found == nullptr) break;
    X509_up_ref(found);
    issuers.emplace_back(found);
    issued = found;
  }
  return issuers;
}

std::string why_not(const key_file::Key* passphrase, const std::string& file) {
  const bool closed = ERR_GET_REASON(ERR_peek_last_error()) == PKCS12_R_MAC_VERIFY_FAILURE;
  const std::string reason = openssl_reason();
  if (closed && passphrase != nullptr) return "the passphrase does not open it";
  if (closed) return "it has a passphrase; name a file that holds it in passphrase_file";
  return std::format(
      "it cannot be opened: {}; where its ciphers are too old, `openssl pkcs12 -legacy -in {} -nodes -out "
      "NEW.pem` makes PEM of it",
      reason, file);
}

}  // namespace

Result<Parts> read(std::string_view text, const key_file::Key* passphrase, const std::string& file) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const std::unique_ptr<PKCS12, BagDeleter> bag(d2i_PKCS12(nullptr, &at, static_cast<long>(text.size())));
  const char* const opener =
      passphrase == nullptr ? nullptr : reinterpret_cast<const char*>(passphrase->bytes().data());
  EVP_PKEY* key = nullptr;
  X509* leaf = nullptr;
  STACK_OF(X509)* others = nullptr;
  if (!bag || PKCS12_parse(bag.get(), opener, &key, &leaf, &others) != 1) {
    return failure(file + ": " + why_not(passphrase, file));
  }
  const ChainPtr held(others);
  Parts parts{.leaf = X509Ptr(leaf), .issuers = {}, .key = KeyPtr(key)};
  ERR_clear_error();
  if (!parts.leaf || !parts.key) return failure(file + ": there is no certificate with its private key in it");
  parts.issuers = in_order(parts.leaf.get(), held.get());
  return parts;
}

}  // namespace gatehouse::pkcs12
