#include "common/crypto/digest.h"

#include <cstdlib>

#include <openssl/evp.h>

namespace gatehouse::digest {

std::string sha1(std::string_view bytes) {
  std::string out(20, '\0');
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size, EVP_sha1(),
                 nullptr) != 1 ||
      size != out.size()) {
    std::abort();
  }
  return out;
}

}  // namespace gatehouse::digest
