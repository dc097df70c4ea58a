#include "common/crypto/certificate_self_signed.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string_view>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/clock.h"
#include "common/crypto/certificate_store.h"
#include "common/crypto/random.h"
#include "common/fd.h"

namespace gatehouse::self_signed {

namespace {

constexpr std::chrono::days kValid{398};  // browsers trust no leaf for longer
constexpr std::chrono::days kRenewBefore{30};

template <auto FreeObject>
struct Free {
  template <class T>
  void operator()(T* object) const {
    FreeObject(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Leaf = std::unique_ptr<X509, Free<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;

std::unexpected<Error> openssl_failure(std::string what) {
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_get_error(), reason.data(), reason.size());
  return failure(std::move(what) + ": " + reason.data());
}

bool add_extension(X509* leaf, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, leaf, leaf, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  return extension && X509_add_ext(leaf, extension.get(), -1) == 1;
}

bool set_serial(X509* leaf) {
  std::array<std::uint8_t, 8> bytes{};
  random::fill_secure(bytes);
  std::uint64_t serial = 0;
  for (const std::uint8_t byte : bytes) serial = serial << 8 | byte;
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(leaf), serial >> 1 | 1) == 1;
}

bool set_name(X509* leaf) {
  X509_NAME* name = X509_get_subject_name(leaf);
  const auto add = [name](const char* field, std::string_view value) {
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  return add("CN", "localhost") && add("O", "Gatehouse, self-signed") && X509_set_issuer_name(leaf, name) == 1;
}

Result<Leaf> make_leaf(EVP_PKEY* key) {
  Leaf leaf(X509_new());
  // A little of the past, for clients whose clock is behind.
  constexpr std::chrono::seconds kBackdated = std::chrono::hours(1);
  const bool made =
      leaf && X509_set_version(leaf.get(), X509_VERSION_3) == 1 && set_serial(leaf.get()) && set_name(leaf.get()) &&
      X509_gmtime_adj(X509_getm_notBefore(leaf.get()), -static_cast<long>(kBackdated.count())) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(leaf.get()), std::chrono::seconds(kValid - kBackdated).count()) != nullptr &&
      X509_set_pubkey(leaf.get(), key) == 1 && add_extension(leaf.get(), NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(leaf.get(), NID_key_usage, "critical,digitalSignature") &&
      add_extension(leaf.get(), NID_ext_key_usage, "serverAuth") &&
      add_extension(leaf.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
      add_extension(leaf.get(), NID_subject_key_identifier, "hash") && X509_sign(leaf.get(), key, EVP_sha256()) != 0;
  if (!made) return openssl_failure("cannot make a certificate for localhost");
  return leaf;
}

std::string text_of(BIO* memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

// Whole or not at all, under its final name.
Result<> write_file(const std::string& path, std::string_view text, mode_t mode) {
  const std::string temporary = path + ".new";
  ::unlink(temporary.c_str());
  const Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(file.get()) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
    return system_failure("cannot write " + path, errno);
  }
  return {};
}

Result<> make(const Files& files) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return openssl_failure("cannot make a key");
  const auto leaf = make_leaf(key.get());
  if (!leaf) return std::unexpected(leaf.error());
  const Bio key_text(BIO_new(BIO_s_mem()));
  const Bio leaf_text(BIO_new(BIO_s_mem()));
  if (!key_text || !leaf_text || PEM_write_bio_X509(leaf_text.get(), leaf->get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_failure("cannot write a certificate");
  }
  if (auto written = write_file(files.private_key, text_of(key_text.get()), 0600); !written) return written;
  return write_file(files.certificate, text_of(leaf_text.get()), 0644);
}

}  // namespace

Result<Files> ensure(const std::filesystem::path& directory) {
  const Fd lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock || ::flock(lock.get(), LOCK_EX) != 0) return system_failure("cannot use " + directory.string(), errno);
  Files files{.certificate = (directory / "localhost.pem").string(),
              .private_key = (directory / "localhost-key.pem").string()};
  CertificateStore store;
  const auto existing = store.certificate({.certificate = files.certificate, .private_key = files.private_key});
  if (existing && (*existing)->not_after() - Clock::system().wall() > kRenewBefore) return files;
  if (auto made = make(files); !made) return std::unexpected(made.error());
  return files;
}

}  // namespace gatehouse::self_signed
