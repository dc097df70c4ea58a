// What verifies tokens of Negotiate (RFC 4559). An interface so that the gate, and what asks it, are tested without a
// KDC, and GSSAPI stays in one file: kerberos_acceptor.h is the one that serves. Immutable: any thread, several at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "proxy/http/belongings.h"

namespace gatehouse {

// What a step of a sign-in has come to.
struct AuthOutcome {
  enum class Kind : std::uint8_t { kAccepted, kRefused, kContinues };
  Kind kind = Kind::kRefused;
  // Who it is, where it is accepted.
  std::string user{};
  // Of ours, for the client; may be empty.
  std::string token{};
  // What the next leg needs, where it continues.
  std::unique_ptr<Belonging> leg{};
  // Why it is refused: for the log, not for the client.
  std::string why{};
  // By which password and name are known (KnownCredentials); empty: not by a password.
  std::string digest{};
};

class TokenAcceptor {
 public:
  virtual ~TokenAcceptor() = default;
  struct Leg {
    std::string token;
    // Of our certificate; empty: the connection has no TLS of ours.
    std::string server_end_point;
    // What the leg before this one has given; null: this is the first.
    std::unique_ptr<Belonging> before;
  };
  // May block.
  virtual AuthOutcome accept(Leg leg) const = 0;
};

}  // namespace gatehouse
