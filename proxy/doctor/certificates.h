// Certificates and keys of every listener: whether they can be read and belong together, since when and until when
// they hold, whether clients can build the chain, who may read the key, and which hosts of the routes none is for.
// The look reads files; the judgement is pure. Main thread of a short-lived process.
#pragma once

#include <string>
#include <vector>

#include "common/clock.h"
#include "common/crypto/certificate_store.h"
#include "config/config.h"
#include "proxy/doctor/finding.h"

namespace gatehouse::doctor {

struct CertificateFacts {
  // The files.
  std::string certificate;
  std::string private_key;
  // Why it cannot be served; empty where it can. With an error, what follows is not known, but for `key_is_open`.
  std::string error;
  std::vector<std::string> names;
  WallTime not_before{};
  WallTime not_after{};
  // See Certificate.
  WallTime renewal_due{};
  // Each certificate of the file is issued by the one behind it; where there is one alone, it has issued itself.
  bool chain_complete = true;
  // Users who are neither the owner nor in the group may read or write the key.
  bool key_is_open = false;
};

// Reads both files as this process may.
CertificateFacts look_at_certificate(const config::CertificateFiles& files, CertificateStore& store);
// The worst of what can be said: a problem where it cannot be served, has expired, is not valid yet or has an open
// key; a warning where it should have been renewed by now, or its chain is not complete.
Finding judge_certificate(const CertificateFacts& facts, WallTime now);

// Of all listeners with TLS, in the order of the configuration; then a warning for each host of a route that no
// certificate is for.
Findings check_certificates(const config::Config& config, WallTime now);

}  // namespace gatehouse::doctor
