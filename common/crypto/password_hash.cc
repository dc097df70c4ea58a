#include "common/crypto/password_hash.h"

#include <crypt.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <format>
#include <memory>
#include <optional>
#include <vector>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "common/crypto/mac.h"
#include "common/text.h"

namespace gatehouse {

namespace {

constexpr std::string_view kRight = "write it anew with `htpasswd -B`";
constexpr std::string_view kArgon2 = "$argon2id$";
constexpr std::size_t kBcryptSize = 60;
constexpr std::size_t kLeastSalt = 8;
constexpr std::size_t kLeastOutput = 16;
constexpr std::size_t kMostOutput = 64;

struct Deleter {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

// In words, for those that a file of users may well have.
std::string_view kind_of(std::string_view text) {
  struct Kind {
    std::string_view prefix, name;
  };
  static constexpr auto kKinds = std::to_array<Kind>({
      {"$apr1$", "MD5, which can be guessed"},
      {"$1$", "MD5, which can be guessed"},
      {"{SHA}", "SHA-1 without salt, which can be looked up"},
      {"{SSHA}", "SHA-1, which can be guessed"},
      {"$5$", "SHA-256 crypt, which is not taken"},
      {"$6$", "SHA-512 crypt, which is not taken"},
      {"$y$", "yescrypt, which is not taken"},
      {"$2$", "bcrypt of a version that hashes some passwords wrongly"},
      {"$2a$", "bcrypt of a version that hashes some passwords wrongly"},
      {"$2x$", "bcrypt of a version that hashes some passwords wrongly"},
      {"$argon2i$", "argon2i, which is not taken; argon2id is"},
      {"$argon2d$", "argon2d, which is not taken; argon2id is"},
  });
  const auto fits = [&](const Kind& kind) { return text.starts_with(kind.prefix); };
  const auto* const found = std::ranges::find_if(kKinds, fits);
  return found == kKinds.end() ? "a plain password, or DES crypt, which can be read or guessed" : found->name;
}

std::optional<std::uint32_t> number_of(std::string_view text, std::string_view name) {
  if (!text.starts_with(name)) return std::nullopt;
  text.remove_prefix(name.size());
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return part;
}

}  // namespace

Result<PasswordHash> PasswordHash::parse(std::string_view text) {
  if (text.starts_with("$2y$") || text.starts_with("$2b$")) return parse_bcrypt(text);
  if (text.starts_with(kArgon2)) return parse_argon2(text);
  return failure(std::format("the hash is {}; {}", kind_of(text), kRight));
}

// "$2y$05$", 22 characters of salt, 31 of the hash.
Result<PasswordHash> PasswordHash::parse_bcrypt(std::string_view text) {
  const auto is_of_alphabet = [](char c) { return text::is_letter_or_digit(c) || c == '.' || c == '/'; };
  const bool whole = text.size() == kBcryptSize && text::is_digit(text[4]) && text::is_digit(text[5]) &&
                     text[6] == '$' && std::ranges::all_of(text.substr(7), is_of_alphabet);
  if (!whole) return failure(std::format("the bcrypt hash is not whole; {}", kRight));
  const auto cost = static_cast<unsigned>((text[4] - '0') * 10 + (text[5] - '0'));
  if (cost < kLeastCost) {
    return failure(std::format("the cost {} of the bcrypt hash is less than {}, so that it can be guessed; {}", cost,
                               kLeastCost, kRight));
  }
  if (cost > kMostCost) {
    return failure(
        std::format("the cost {} of the bcrypt hash is more than {}: each sign-in would take seconds; "
                    "write it anew with `htpasswd -B -C 12`",
                    cost, kMostCost));
  }
  PasswordHash made;
  made.text_ = text;
  return made;
}

// "$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH", both in base64 without padding.
Result<PasswordHash> PasswordHash::parse_argon2(std::string_view text) {
  std::string_view rest = text.substr(kArgon2.size());
  const bool known_version = take_until(rest, '$') == "v=19";
  const auto memory = number_of(take_until(rest, ','), "m=");
  const auto passes = number_of(take_until(rest, ','), "t=");
  const auto lanes = number_of(take_until(rest, '$'), "p=");
  auto salt = text::from_base64(take_until(rest, '$'));
  auto output = text::from_base64(rest);
  const bool whole = known_version && memory && passes && lanes && salt && output && salt->size() >= kLeastSalt &&
                     output->size() >= kLeastOutput && output->size() <= kMostOutput && *passes > 0 && *lanes > 0;
  if (!whole) {
    return failure(
        "the argon2id hash is not whole; it is $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH, with a salt of 8 bytes and "
        "a hash of 16 at least");
  }
  if (*memory < kLeastMemory) {
    return failure(std::format("the memory of the argon2id hash, m={}, is less than {} KiB, so that it can be guessed",
                               *memory, kLeastMemory));
  }
  if (*memory > kMostMemory || *passes > kMostPasses || *lanes > kMostLanes) {
    return failure(std::format("the argon2id hash asks for more than m={},t={},p={} at each sign-in", kMostMemory,
                               kMostPasses, kMostLanes));
  }
  PasswordHash made;
  made.argon2_ = {
      .salt = *std::move(salt), .output = *std::move(output), .memory = *memory, .passes = *passes, .lanes = *lanes};
  return made;
}

// A password with a zero byte would count only up to it.
bool PasswordHash::matches(std::string_view password) const {
  if (password.contains('\0')) return false;
  return argon2_.output.empty() ? matches_bcrypt(password) : matches_argon2(password);
}

bool PasswordHash::matches_bcrypt(std::string_view password) const {
  const auto scratch = std::make_unique<crypt_data>();
  std::string text(password);
  const char* const made = ::crypt_r(text.c_str(), text_.c_str(), scratch.get());
  const bool same = made != nullptr && mac::equal(made, text_);
  OPENSSL_cleanse(text.data(), text.size());
  OPENSSL_cleanse(scratch.get(), sizeof *scratch);
  return same;
}

bool PasswordHash::matches_argon2(std::string_view password) const {
  const std::unique_ptr<EVP_KDF, Deleter> kdf(EVP_KDF_fetch(nullptr, "ARGON2ID", nullptr));
  const std::unique_ptr<EVP_KDF_CTX, Deleter> context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  if (!context) return false;
  Argon2 used = argon2_;
  std::uint32_t threads = 1;
  std::string text(password);
  const std::array params = {
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, text.data(), text.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, used.salt.data(), used.salt.size()),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ITER, &used.passes),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ARGON2_LANES, &used.lanes),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ARGON2_MEMCOST, &used.memory),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_THREADS, &threads),
      OSSL_PARAM_construct_end(),
  };
  std::vector<unsigned char> made(argon2_.output.size());
  const bool done = EVP_KDF_derive(context.get(), made.data(), made.size(), params.data()) == 1;
  OPENSSL_cleanse(text.data(), text.size());
  return done && mac::equal({reinterpret_cast<const char*>(made.data()), made.size()}, argon2_.output);
}

}  // namespace gatehouse
