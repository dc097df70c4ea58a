#include "common/crypto/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include <openssl/crypto.h>

#include "common/crypto/random.h"
#include "common/fd.h"

namespace gatehouse::secret_file {

namespace {

Result<Secret> read_secret(const std::string& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_failure("cannot open the secret " + file, errno);
  Secret secret{};
  const ssize_t count = ::read(fd.get(), secret.data(), secret.size());
  if (count < 0) return system_failure("cannot read the secret " + file, errno);
  std::uint8_t more = 0;
  if (std::cmp_not_equal(count, secret.size()) || ::read(fd.get(), &more, 1) != 0) {
    return failure("the secret " + file + " does not hold 32 bytes");
  }
  return secret;
}

// A file of another name, then a link to it.
Result<> write_secret(const std::string& file) {
  Secret secret{};
  random::fill_secure(secret);
  const std::string draft = file + "." + std::to_string(::getpid());
  const auto broken = [&] { return system_failure("cannot write the secret " + file, errno); };
  const Fd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return broken();
  const bool written = ::write(fd.get(), secret.data(), secret.size()) == static_cast<ssize_t>(secret.size()) &&
                       ::fsync(fd.get()) == 0 && (::link(draft.c_str(), file.c_str()) == 0 || errno == EEXIST);
  Result<> result;
  if (!written) result = broken();
  ::unlink(draft.c_str());
  return result;
}

}  // namespace

Secret::~Secret() {
  OPENSSL_cleanse(data(), size());
}

Result<Secret> load_or_create(const std::filesystem::path& file) {
  auto secret = read_secret(file);
  if (secret || secret.error().code != ENOENT) return secret;
  if (auto made = write_secret(file); !made) return std::unexpected(std::move(made.error()));
  return read_secret(file);
}

}  // namespace gatehouse::secret_file
