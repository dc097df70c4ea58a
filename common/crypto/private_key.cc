#include "common/crypto/private_key.h"

#include <algorithm>
#include <cstddef>
#include <format>

#include <openssl/pem.h>

#include "common/crypto/certificate_file.h"

namespace gatehouse::private_key {

namespace {

struct Question {
  const key_file::Key* passphrase;
  bool asked = false;
};

// Without it OpenSSL would ask on the terminal.
int respond(char* buffer, int size, int /*writing*/, void* user) {
  auto& question = *static_cast<Question*>(user);
  question.asked = true;
  if (question.passphrase == nullptr) return -1;
  const auto text = question.passphrase->bytes();
  const std::size_t length = text.size() - 1;  // without the zero behind it
  if (length > static_cast<std::size_t>(size)) return -1;
  std::ranges::copy(text.first(length), buffer);
  return static_cast<int>(length);
}

}  // namespace

Result<KeyPtr> read(std::string_view pem, const key_file::Key* passphrase, const std::string& file) {
  Question question{.passphrase = passphrase};
  const BioPtr bio = bio_of(pem);
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, respond, &question));
  const std::string reason = openssl_reason();
  if (key) return key;
  if (question.asked && passphrase != nullptr) {
    return failure(file + ": the passphrase does not open the private key");
  }
  if (question.asked) {
    return failure(
        std::format("{}: the private key is encrypted; name a file with its passphrase in the passphrase_file "
                    "of its entry in \"certificates\", or decrypt it: `openssl pkey -in {} -out NEW.pem`",
                    file, file));
  }
  const std::string advice = certificate_file::advice(pem, file);
  return failure(std::format("{}: the private key cannot be read: {}", file, advice.empty() ? reason : advice));
}

}  // namespace gatehouse::private_key
