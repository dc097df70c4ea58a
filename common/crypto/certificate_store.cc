#include "common/crypto/certificate_store.h"

#include <format>

#include <openssl/crypto.h>

#include "common/crypto/certificate_file.h"
#include "common/crypto/pkcs12.h"
#include "common/crypto/private_key.h"

namespace gatehouse {

namespace {

KeyPtr share(EVP_PKEY* key) {
  EVP_PKEY_up_ref(key);
  return KeyPtr(key);
}

void wipe(std::string& text) {
  OPENSSL_cleanse(text.data(), text.size());
}

std::unexpected<Error> given_up(const std::string& file) {
  return failure(file + ": given up");
}

}  // namespace

void CertificateStore::begin(std::stop_token cancelled) {
  cancelled_ = std::move(cancelled);
  ++load_;
  counts_ = {};
  passphrases_.clear();
}

void CertificateStore::forget_unused() {
  const auto unused = [this](const auto& entry) { return entry.second.seen != load_; };
  std::erase_if(certificates_, unused);
  std::erase_if(keys_, unused);
  std::erase_if(anchors_, unused);
  passphrases_.clear();
  issuers_.forget_unused();
}

template <class Made>
bool CertificateStore::holds(Entry<Made>& entry, const std::string& file) {
  if (entry.seen == load_) return true;
  entry.seen = load_;
  if (!entry.made || !entry.version || FileVersion::of(file) != *entry.version) return false;
  ++counts_.files_known;
  return true;
}

template <class Made>
Result<std::string> CertificateStore::read(Entry<Made>& entry, const std::string& file) {
  ++counts_.files_read;
  entry.reading = ++readings_;
  entry.version.reset();
  auto contents = certificate_file::contents(file);
  if (!contents) return std::unexpected(std::move(contents.error()));
  if (contents->version.settled()) entry.version = contents->version;
  return std::move(contents->text);
}

Result<std::shared_ptr<const Certificate>> CertificateStore::certificate(const Files& files) {
  if (cancelled_.stop_requested()) return given_up(files.certificate);
  Entry<Pair>& entry = certificates_[files];
  const bool looked_at = entry.seen == load_;
  const bool own_key = files.private_key.empty();
  const bool known =
      holds(entry, files.certificate) && (looked_at || own_key || key(files).reading == entry.made->key_reading);
  if (!known) entry.made = load(entry, files);
  if (!entry.made) return std::unexpected(entry.made.error());
  return entry.made->certificate;
}

Result<CertificateStore::Pair> CertificateStore::load(Entry<Pair>& entry, const Files& files) {
  auto text = read(entry, files.certificate);
  if (!text) return std::unexpected(std::move(text.error()));
  if (files.private_key.empty()) {
    auto made = from_pkcs12(*text, files);
    wipe(*text);
    return made;
  }
  auto chain = CertificateChain::read(*text, issuers_, files.certificate);
  wipe(*text);  // some keep their key in the same file
  if (!chain) return std::unexpected(std::move(chain.error()));
  const Entry<Key>& private_key = key(files);
  if (!private_key.made) return std::unexpected(private_key.made.error());
  auto made = Certificate::make(
      {.leaf = std::move(chain->leaf), .issuers = std::move(chain->issuers), .key = share(private_key.made->get())},
      files.certificate);
  if (!made) return failure(std::format("{} (private key: {})", made.error().message, files.private_key));
  return Pair{.certificate = *std::move(made), .key_reading = private_key.reading};
}

Result<CertificateStore::Pair> CertificateStore::from_pkcs12(std::string_view text, const Files& files) {
  if (!certificate_file::is_pkcs12(text)) {
    return failure(files.certificate + ": it is no PKCS#12; name the file of its key in private_key");
  }
  const auto opener = passphrase(files.passphrase_file);
  if (!opener) return std::unexpected(opener.error());
  auto parts = pkcs12::read(text, opener->get(), files.certificate);
  if (!parts) return std::unexpected(std::move(parts.error()));
  Certificate::Parts all{.leaf = std::move(parts->leaf), .issuers = {}, .key = std::move(parts->key)};
  for (X509Ptr& issuer : parts->issuers) all.issuers.push_back(issuers_.of(std::move(issuer)));
  auto made = Certificate::make(std::move(all), files.certificate);
  if (!made) return std::unexpected(std::move(made.error()));
  return Pair{.certificate = *std::move(made)};
}

CertificateStore::Entry<CertificateStore::Key>& CertificateStore::key(const Files& files) {
  Entry<Key>& entry = keys_[{files.private_key, files.passphrase_file}];
  if (holds(entry, files.private_key)) return entry;
  auto pem = read(entry, files.private_key);
  if (!pem) {
    entry.made = std::unexpected(std::move(pem.error()));
    return entry;
  }
  if (const auto opener = passphrase(files.passphrase_file)) {
    auto made = private_key::read(*pem, opener->get(), files.private_key);
    entry.made = made ? Result<Key>(*std::move(made)) : std::unexpected(std::move(made.error()));
  } else {
    entry.made = std::unexpected(opener.error());
  }
  wipe(*pem);
  return entry;
}

Result<CertificateStore::Passphrase> CertificateStore::passphrase(const std::string& file) {
  if (file.empty()) return nullptr;
  const auto known = passphrases_.find(file);
  if (known != passphrases_.end()) return known->second;
  ++counts_.files_read;
  auto loaded = key_file::load_passphrase(file);
  Result<Passphrase> made = loaded ? Result<Passphrase>(std::make_shared<const key_file::Key>(*std::move(loaded)))
                                   : std::unexpected(std::move(loaded.error()));
  return passphrases_.emplace(file, std::move(made)).first->second;
}

Result<std::shared_ptr<const TrustAnchors>> CertificateStore::anchors(const std::string& file) {
  if (cancelled_.stop_requested()) return given_up(file);
  auto& entry = anchors_[file];
  if (holds(entry, file)) return entry.made;
  const auto pem = read(entry, file);
  entry.made = pem ? TrustAnchors::parse(*pem, file) : std::unexpected(pem.error());
  return entry.made;
}

}  // namespace gatehouse
