#include "common/crypto/certificate_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <format>
#include <memory>

#include <openssl/crypto.h>
#include <openssl/pkcs12.h>

#include "common/crypto/x509_handles.h"
#include "common/fd.h"

namespace gatehouse::certificate_file {

namespace {

constexpr std::size_t kMostBytes = 1024UL * 1024;
constexpr std::size_t kUnknownSize = 16UL * 1024;  // of what tells none: pipes

struct Pkcs12Deleter {
  void operator()(PKCS12* bag) const { PKCS12_free(bag); }
};

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool is_der_certificate(std::string_view text) {
  const unsigned char* at = bytes_of(text);
  const X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(text.size())));
  ERR_clear_error();
  return certificate != nullptr;
}

bool is_der_key(std::string_view text) {
  const unsigned char* at = bytes_of(text);
  const KeyPtr key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(text.size())));
  ERR_clear_error();
  return key != nullptr;
}

// Twice the room, and nothing left in the one of before.
void grow(std::string& text) {
  std::string larger(std::min(text.size() * 2, kMostBytes + 1), '\0');
  std::ranges::copy(text, larger.begin());
  OPENSSL_cleanse(text.data(), text.size());
  text = std::move(larger);
}

}  // namespace

Result<Contents> contents(const std::string& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return system_failure("cannot open " + file, errno);
  Contents read{.text = {}, .version = FileVersion::of(fd.get())};
  const auto told = static_cast<std::size_t>(std::max<std::int64_t>(read.version.size, 0));
  // One byte more, so that the end of the file shows.
  read.text.resize(told == 0 ? kUnknownSize : std::min(told, kMostBytes) + 1);
  std::size_t size = 0;
  for (;;) {
    if (size > kMostBytes) return failure(file + " is larger than 1 MiB");
    if (size == read.text.size()) grow(read.text);
    const ssize_t count = ::read(fd.get(), read.text.data() + size, read.text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failure("cannot read " + file, errno);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  read.text.resize(size);
  return read;
}

bool is_pkcs12(std::string_view text) {
  const unsigned char* at = bytes_of(text);
  const std::unique_ptr<PKCS12, Pkcs12Deleter> bag(d2i_PKCS12(nullptr, &at, static_cast<long>(text.size())));
  ERR_clear_error();
  return bag != nullptr;
}

std::string advice(std::string_view text, const std::string& file) {
  if (text.contains("-----BEGIN PKCS7-----")) {
    return std::format("it is PKCS#7; `openssl pkcs7 -print_certs -in {} -out NEW.pem` makes PEM of it", file);
  }
  if (text.contains("-----BEGIN ") || !text.starts_with('\x30')) return {};  // PEM, or no DER
  if (is_pkcs12(text)) {
    return std::format(
        "it is PKCS#12; in \"certificates\" it is named with the ending .p12 or .pfx and without private_key, or "
        "`openssl "
        "pkcs12 -in {} -nodes -out NEW.pem` makes PEM of it",
        file);
  }
  if (is_der_certificate(text)) {
    return std::format("it is DER; `openssl x509 -inform DER -in {} -out NEW.pem` makes PEM of it", file);
  }
  if (is_der_key(text)) {
    return std::format("it is DER; `openssl pkey -inform DER -in {} -out NEW.pem` makes PEM of it", file);
  }
  return {};
}

}  // namespace gatehouse::certificate_file
