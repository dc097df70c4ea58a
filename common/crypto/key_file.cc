#include "common/crypto/key_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <format>
#include <string_view>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "common/fd.h"
#include "common/text.h"

namespace gatehouse::key_file {

namespace {

constexpr std::size_t kMostBytes = 4096;  // of a file; more is no key, however it is written

// At most kMostBytes of it.
Result<Key> contents_of(const std::string& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return system_failure("cannot open the key " + file, errno);
  Key room(kMostBytes);
  std::size_t size = 0;
  while (size < kMostBytes) {
    const ssize_t count = ::read(fd.get(), room.bytes().data() + size, kMostBytes - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failure("cannot read the key " + file, errno);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  Key contents(size);
  std::ranges::copy(room.bytes().first(size), contents.bytes().begin());
  return contents;
}

bool is_space(std::uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

bool from_hex(std::span<const std::uint8_t> digits, std::span<std::uint8_t> out) {
  if (digits.size() != out.size() * 2) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = text::hex_value(static_cast<char>(digits[2 * i]));
    const int low = text::hex_value(static_cast<char>(digits[2 * i + 1]));
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

bool from_base64(std::span<const std::uint8_t> text, std::span<std::uint8_t> out) {
  if (text.size() != (out.size() + 2) / 3 * 4) return false;
  const std::size_t padding = text.size() / 4 * 3 - out.size();
  if (std::ranges::count(text, std::uint8_t{'='}) != static_cast<std::ptrdiff_t>(padding)) return false;
  Key decoded(text.size() / 4 * 3);
  if (EVP_DecodeBlock(decoded.bytes().data(), text.data(), static_cast<int>(text.size())) < 0) return false;
  std::ranges::copy(decoded.bytes().first(out.size()), out.begin());
  return true;
}

bool decode(std::span<const std::uint8_t> contents, std::span<std::uint8_t> out) {
  if (contents.size() == out.size()) {
    std::ranges::copy(contents, out.begin());
    return true;
  }
  Key text(contents.size());
  const auto end = std::ranges::remove_copy_if(contents, text.bytes().begin(), is_space).out;
  const auto trimmed = text.bytes().first(static_cast<std::size_t>(end - text.bytes().begin()));
  return from_hex(trimmed, out) || from_base64(trimmed, out);
}

}  // namespace

Key::~Key() {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

Result<Key> load(const std::string& file, std::size_t size) {
  const auto contents = contents_of(file);
  if (!contents) return std::unexpected(contents.error());
  Key key(size);
  if (!decode(contents->bytes(), key.bytes())) {
    return failure(
        std::format("{} holds {} bytes, which are no key of {}, as they are, in hexadecimal or in base64; "
                    "`openssl rand -out FILE {}` makes one",
                    file, contents->bytes().size(), size, size));
  }
  const std::uint8_t first = key.bytes().front();
  if (std::ranges::all_of(key.bytes(), [first](std::uint8_t byte) { return byte == first; })) {
    return failure(
        std::format("{} is no secret: all its bytes are the same; `openssl rand -out FILE {}` makes one", file, size));
  }
  return key;
}

Result<Key> load_passphrase(const std::string& file) {
  const auto contents = contents_of(file);
  if (!contents) return std::unexpected(contents.error());
  const auto all = contents->bytes();
  const auto end = std::ranges::find_if(all, [](std::uint8_t byte) { return byte == '\n' || byte == '\r'; });
  const auto line = all.first(static_cast<std::size_t>(end - all.begin()));
  if (std::ranges::contains(line, std::uint8_t{0}))
    return failure(file + " holds no passphrase: there is a zero byte in it");
  Key passphrase(line.size() + 1);
  std::ranges::copy(line, passphrase.bytes().begin());
  return passphrase;
}

}  // namespace gatehouse::key_file
