#include "common/crypto/trust_anchors.h"

#include <algorithm>
#include <cstddef>
#include <ctime>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/crypto/certificate_file.h"

namespace gatehouse {

namespace {

std::string advice(std::string_view pem, const std::string& file) {
  const std::string text = certificate_file::advice(pem, file);
  return text.empty() ? text : ": " + text;
}

}  // namespace

std::string text_of(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  // As UTF-8, not as escapes of its bytes.
  constexpr unsigned long kForm = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, kForm) < 0) {
    ERR_clear_error();
    return {};
  }
  const char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

Result<std::shared_ptr<const TrustAnchors>> TrustAnchors::parse(std::string_view pem, const std::string& name) {
  auto made = std::make_shared<TrustAnchors>(Private{});
  if (auto read = made->read(pem, name); !read) return failure(name + ": " + read.error().message);
  if (auto filled = made->fill_store(); !filled) return failure(name + ": " + filled.error().message);
  return made;
}

Result<> TrustAnchors::read(std::string_view pem, const std::string& name) {
  const BioPtr bio = bio_of(pem);
  while (X509Ptr next{PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr)}) {
    certificates_.push_back(std::move(next));
  }
  const unsigned long error = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (!at_end) return failure("a certificate in it cannot be read: " + openssl_reason());
  ERR_clear_error();
  if (certificates_.empty()) return failure("there is no certificate in it" + advice(pem, name));
  return {};
}

Result<> TrustAnchors::fill_store() {
  store_.reset(X509_STORE_new());
  if (!store_) return failure(openssl_reason());
  // So that an intermediate CA, or the certificate of the other side itself, can be what is trusted.
  X509_STORE_set_flags(store_.get(), X509_V_FLAG_PARTIAL_CHAIN);
  std::string digests;
  for (const X509Ptr& each : certificates_) {
    if (X509_STORE_add_cert(store_.get(), each.get()) != 1) return failure(openssl_reason());
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (X509_digest(each.get(), EVP_sha256(), digest.data(), &size) != 1) return failure(openssl_reason());
    digests.append(reinterpret_cast<const char*>(digest.data()), size);
    digests_.push_back(digests.substr(digests.size() - size));
  }
  std::ranges::sort(digests_);
  if (EVP_Digest(digests.data(), digests.size(), fingerprint_.data(), nullptr, EVP_sha256(), nullptr) == 1) return {};
  return failure(openssl_reason());
}

TrustAnchors::Names TrustAnchors::names() const {
  Names names(
      sk_X509_NAME_new([](const X509_NAME* const* a, const X509_NAME* const* b) { return X509_NAME_cmp(*a, *b); }));
  if (!names) return nullptr;
  for (const X509Ptr& each : certificates_) {
    X509_NAME* const subject = X509_get_subject_name(each.get());
    if (X509_NAME_entry_count(subject) == 0 || sk_X509_NAME_find(names.get(), subject) >= 0) continue;
    X509_NAME* const copy = X509_NAME_dup(subject);
    if (copy == nullptr || sk_X509_NAME_push(names.get(), copy) == 0) {
      X509_NAME_free(copy);
      return nullptr;
    }
  }
  return names;
}

bool TrustAnchors::has_all_of(const TrustAnchors& others) const {
  return std::ranges::includes(digests_, others.digests_);
}

std::vector<std::string> TrustAnchors::invalid_at(WallTime time) const {
  const std::time_t at = std::chrono::system_clock::to_time_t(time);
  std::vector<std::string> subjects;
  for (const X509Ptr& each : certificates_) {
    const bool valid = ASN1_TIME_cmp_time_t(X509_get0_notBefore(each.get()), at) <= 0 &&
                       ASN1_TIME_cmp_time_t(X509_get0_notAfter(each.get()), at) >= 0;
    if (!valid) subjects.push_back(text_of(X509_get_subject_name(each.get())));
  }
  return subjects;
}

}  // namespace gatehouse
