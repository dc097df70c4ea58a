// The secrets that must outlive the process, or clients would notice a restart: those of QUIC, by which we can end the
// connections that our former self had, and the key of affinity cookies. They come from the file that the machines of a
// fleet share (`secret_file`), or from files of this machine's own in the state directory. Where neither is to be had
// they are random, which the log says: a server that forgets is better than none. Owned by Rollout; immutable.
#pragma once

#include <string>

#include "config/config.h"
#include "proxy/frontend/quic/quic_tokens.h"

namespace gatehouse {

class LastingSecrets {
 public:
  // Reads the files, and makes those that are this machine's own where they are missing.
  explicit LastingSecrets(const config::Server& server);

  const QuicSecrets& quic() const { return quic_; }
  const std::string& affinity_key() const { return affinity_key_; }

 private:
  QuicSecrets quic_;
  std::string affinity_key_;
};

}  // namespace gatehouse
