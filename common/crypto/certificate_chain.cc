#include "common/crypto/certificate_chain.h"

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include <openssl/pem.h>

#include "common/crypto/certificate_file.h"

namespace gatehouse {

namespace {

struct BytesDeleter {
  void operator()(void* bytes) const { OPENSSL_free(bytes); }
};
template <class T>
using Bytes = std::unique_ptr<T, BytesDeleter>;

// The next certificate, as it is; nothing at the end, and where PEM is broken, which OpenSSL's last error tells apart.
std::optional<std::vector<std::uint8_t>> next_der(BIO* bio) {
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(bio, &name, &header, &data, &size) != 1) return std::nullopt;
    const Bytes<char> held_name(name);
    const Bytes<char> held_header(header);
    const Bytes<unsigned char> held_data(data);
    const std::string_view kind(name);
    if (kind != PEM_STRING_X509 && kind != PEM_STRING_X509_OLD) {
      OPENSSL_cleanse(data, static_cast<std::size_t>(size));  // it may be the private key
      continue;
    }
    return std::vector<std::uint8_t>(data, data + size);
  }
}

bool at_end() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// A certificate that asks for a passphrase must not make the process ask on a terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) {
  return 0;
}

std::string digest_of(std::span<const std::uint8_t> bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

}  // namespace

std::shared_ptr<X509> IssuerPool::of(std::span<const std::uint8_t> der) {
  std::shared_ptr<X509>& known = known_[digest_of(der)];
  const unsigned char* at = der.data();
  if (!known) known = X509Ptr(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  return known;
}

std::shared_ptr<X509> IssuerPool::of(X509Ptr certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size);
  std::shared_ptr<X509>& known = known_[std::string(reinterpret_cast<const char*>(digest.data()), size)];
  if (!known) known = std::move(certificate);
  return known;
}

void IssuerPool::forget_unused() {
  std::erase_if(known_, [](const auto& entry) { return entry.second.use_count() <= 1; });
}

Result<CertificateChain> CertificateChain::read(std::string_view pem, IssuerPool& pool, const std::string& file) {
  CertificateChain chain;
  const BioPtr bio = bio_of(pem);
  chain.leaf.reset(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_passphrase, nullptr));
  if (!chain.leaf) {
    const std::string reason = openssl_reason();
    const std::string advice = certificate_file::advice(pem, file);
    return failure(file + ": no certificate in it: " + (advice.empty() ? reason : advice));
  }
  while (const auto der = next_der(bio.get())) {
    chain.issuers.push_back(pool.of(*der));
    if (!chain.issuers.back()) return failure(file + ": the chain cannot be read: " + openssl_reason());
  }
  if (!at_end()) return failure(file + ": the chain cannot be read: " + openssl_reason());
  ERR_clear_error();
  return chain;
}

}  // namespace gatehouse
