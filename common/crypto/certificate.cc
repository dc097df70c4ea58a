#include "common/crypto/certificate.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <iterator>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/text.h"

namespace gatehouse {

namespace {

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct NamesDeleter {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using BioPtr = std::unique_ptr<BIO, BioDeleter>;

BioPtr bio_of(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string openssl_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string text = reason != nullptr ? reason : "unknown error";
  ERR_clear_error();
  return text;
}

// A key that asks for a passphrase must not make the process ask on a terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) {
  return 0;
}

Result<std::string> contents(const std::string& file) {
  constexpr std::streamsize kMostBytes = 1024 * 1024;
  errno = 0;
  std::ifstream in;
  in.rdbuf()->pubsetbuf(nullptr, 0);  // or a copy of a key would stay in its buffer
  in.open(file, std::ios::binary);
  if (!in) return system_failure("cannot open " + file, errno);
  std::string text(static_cast<std::size_t>(kMostBytes) + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return system_failure("cannot read " + file, errno);
  if (in.gcount() > kMostBytes) return failure(file + " is larger than 1 MiB");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? std::chrono::system_clock::from_time_t(timegm(&parts)) : WallTime{};
}

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

}  // namespace

Result<std::shared_ptr<const Certificate>> Certificate::load(const std::string& chain_file,
                                                             const std::string& key_file) {
  auto chain = contents(chain_file);
  if (!chain) return std::unexpected(chain.error());
  auto key = contents(key_file);
  if (!key) return std::unexpected(key.error());
  auto made = parse(*chain, *key, chain_file);
  OPENSSL_cleanse(key->data(), key->size());
  if (!made) return failure(made.error().message + " (private key: " + key_file + ")", made.error().code);
  return made;
}

Result<std::shared_ptr<const Certificate>> Certificate::parse(std::string_view chain, std::string_view key,
                                                              const std::string& name) {
  std::shared_ptr<Certificate> made = std::make_shared<Certificate>(Private{});
  made->file_ = name;
  if (auto read = made->read_chain(chain); !read) return failure(name + ": " + read.error().message);
  if (auto read = made->read_key(key); !read) return failure(name + ": " + read.error().message);
  if (X509_check_private_key(made->leaf_.get(), made->key_.get()) != 1) {
    ERR_clear_error();
    return failure(name + ": the private key does not belong to the certificate");
  }
  made->key_type_ = EVP_PKEY_get_base_id(made->key_.get());
  made->read_names();
  made->not_before_ = time_of(X509_get0_notBefore(made->leaf_.get()));
  made->not_after_ = time_of(X509_get0_notAfter(made->leaf_.get()));
  return made;
}

Result<> Certificate::read_chain(std::string_view pem) {
  const BioPtr bio = bio_of(pem);
  leaf_.reset(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_passphrase, nullptr));
  if (!leaf_) return failure("no certificate in it: " + openssl_reason());
  chain_.reset(sk_X509_new_null());
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) {
    sk_X509_push(chain_.get(), next);
  }
  const unsigned long error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    return failure("the chain cannot be read: " + openssl_reason());
  }
  ERR_clear_error();
  return {};
}

Result<> Certificate::read_key(std::string_view pem) {
  const BioPtr bio = bio_of(pem);
  key_.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key_) return failure("the private key cannot be read (is it PEM, without a passphrase?): " + openssl_reason());
  ERR_clear_error();
  return {};
}

void Certificate::read_names() {
  const std::unique_ptr<GENERAL_NAMES, NamesDeleter> alternatives(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf_.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) names_.push_back(text::lower(text_of(name->d.dNSName)));
  }
  if (!alternatives) {
    const X509_NAME* subject = X509_get_subject_name(leaf_.get());
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0) names_.push_back(text::lower(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)))));
  }
  // A name with a NUL or a space inside was never asked for by an honest client.
  std::erase_if(names_, [](const std::string& name) {
    return name.empty() || std::ranges::any_of(name, [](char c) { return c <= ' ' || c > '~'; });
  });
}

bool Certificate::covers(std::string_view host) const {
  const std::size_t dot = host.find('.');
  const std::string_view parent = dot == std::string_view::npos ? std::string_view() : host.substr(dot);
  return std::ranges::any_of(names_, [&](const std::string& name) {
    if (name == host) return true;
    return !parent.empty() && dot > 0 && name.starts_with("*.") && std::string_view(name).substr(1) == parent;
  });
}

bool Certificate::chain_complete() const {
  X509* issued = leaf_.get();
  const int count = sk_X509_num(chain_.get());
  // By name alone: one that signs itself need not be allowed to sign others.
  if (count == 0) return X509_NAME_cmp(X509_get_subject_name(issued), X509_get_issuer_name(issued)) == 0;
  for (int i = 0; i < count; ++i) {
    X509* issuer = sk_X509_value(chain_.get(), i);
    if (X509_check_issued(issuer, issued) != X509_V_OK) return false;
    issued = issuer;
  }
  return true;
}

bool Certificate::install(SSL_CTX* context) const {
  constexpr int kReplace = 1;
  const bool done = SSL_CTX_use_cert_and_key(context, leaf_.get(), key_.get(), chain_.get(), kReplace) == 1;
  ERR_clear_error();
  return done;
}

}  // namespace gatehouse
