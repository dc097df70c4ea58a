#include "common/crypto/secret_memory.h"

#include <sys/prctl.h>

#include <cerrno>
#include <cstddef>

#include <openssl/crypto.h>

#include "common/log.h"
#include "common/result.h"

namespace gatehouse::secret_memory {

namespace {

// Address space; what is not used takes no memory. Some 4 KiB for an RSA key, 64 bytes for the ephemeral key of a TLS
// 1.3 connection: far more than the connections and certificates of a process, since allocations beyond it fail.
constexpr std::size_t kHeap = 256UL * 1024 * 1024;
constexpr std::size_t kSmallest = 64;

}  // namespace

void set_up() {
  close_to_others();
  if (CRYPTO_secure_malloc_initialized() == 1) return;
  if (CRYPTO_secure_malloc_init(kHeap, kSmallest) == 0) {
    log::warn("private keys lie in ordinary memory: there is no room for a secure heap");
  }
}

void close_to_others() {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    log::warn("{}", system_failure("cannot keep other processes out of our memory", errno).error().message);
  }
}

}  // namespace gatehouse::secret_memory
