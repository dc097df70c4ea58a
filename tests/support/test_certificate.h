// Certificates made on the spot, self-signed or by a CA that is made likewise, so that none that expires is kept in the repository. Pure but for
// randomness.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace gatehouse::testing_support {

struct PemPair {
  std::string certificate;
  std::string private_key;
};

struct TestCertificate {
  enum class Key { kEcdsa, kRsa };

  std::vector<std::string> names = {"localhost"};  // DNS names; the first is the common name as well
  Key key = Key::kEcdsa;
  std::size_t rsa_bits = 2048;
  std::chrono::seconds valid_for = std::chrono::days(90);  // from now; negative: expired that long ago
  std::chrono::seconds age = std::chrono::days(2 * 365);   // valid since; long, so that an expired one was valid once
  const PemPair* issuer = nullptr;                         // who signs it; null: itself
  bool authority = false;                                  // a CA
  const char* usage = nullptr;                             // extendedKeyUsage, such as "clientAuth"; null: for anything
  bool subject = true;                                     // false: it has no name but the alternative ones
};

PemPair make_certificate(const TestCertificate& wanted = {});

}  // namespace gatehouse::testing_support
