// Verifies tickets of Kerberos that come as tokens of Negotiate, by GSSAPI (MIT): SPNEGO around them or not. The keys are
// those of a keytab, whichever of them a ticket is for; no KDC is asked. NTLM is not accepted. Immutable: any thread.
#pragma once

#include <memory>
#include <string>

#include "common/result.h"
#include "config/policy/auth.h"
#include "proxy/gates/token_acceptor.h"

namespace gatehouse {

class KerberosAcceptor final : public TokenAcceptor {
  // What GSSAPI has of the keytab.
  struct Credential;

 public:
  // Use open().
  KerberosAcceptor(std::unique_ptr<Credential> credential, ChannelBinding binding);
  // May block. Fails where the keytab cannot be read, or has no key.
  static Result<std::shared_ptr<const KerberosAcceptor>> open(const std::string& keytab, ChannelBinding binding);
  ~KerberosAcceptor() override;

  // The user is the principal, "alice@EXAMPLE.COM". May block: what was replayed is looked for in a file.
  AuthOutcome accept(Leg leg) const override;

 private:
  std::unique_ptr<Credential> credential_;
  const ChannelBinding binding_;
};

}  // namespace gatehouse
