// OpenSSL's certificates, names, keys and what they are read from, each owned by one handle, and its reasons as text. Any
// thread, as OpenSSL has it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace gatehouse {

struct X509HandleDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};
using BioPtr = std::unique_ptr<BIO, X509HandleDeleter>;
using X509Ptr = std::unique_ptr<X509, X509HandleDeleter>;
using KeyPtr = std::unique_ptr<EVP_PKEY, X509HandleDeleter>;
using GeneralNames = std::unique_ptr<GENERAL_NAMES, X509HandleDeleter>;
using ChainPtr = std::unique_ptr<STACK_OF(X509), X509HandleDeleter>;

// Reads from `text`, which outlives it.
inline BioPtr bio_of(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Why OpenSSL's last call has failed; nothing is left of it for the next one.
inline std::string openssl_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string text = reason != nullptr ? reason : "unknown error";
  ERR_clear_error();
  return text;
}

// Frees what OpenSSL keeps for the calling thread, such as its errors; it is made anew when it is needed. For threads
// that the end of the process does not wait for, which do not free it themselves then.
inline void forget_openssl_thread() {
  OPENSSL_thread_stop();
}

}  // namespace gatehouse
