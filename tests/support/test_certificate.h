// Self-signed certificates made on the spot, so that none that expires is kept in the repository. Pure but for
// randomness.
#pragma once

#include <chrono>
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
  std::chrono::seconds valid_for = std::chrono::days(90);  // from now; negative: expired that long ago
};

PemPair make_certificate(const TestCertificate& wanted = {});

}  // namespace gatehouse::testing_support
