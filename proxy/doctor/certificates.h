// Certificates and keys of every listener: whether they can be read and belong together, since when and until when they
// hold, whether clients can build the chain, who may read the key, and which hosts of the routes none is for. The look
// reads files; the judgement is pure. Main thread of a short-lived process.
#pragma once

#include <string>
#include <vector>

#include "common/clock.h"
#include "config/config.h"
#include "proxy/doctor/finding.h"

namespace gatehouse::doctor {

struct CertificateFacts {
  std::string certificate;  // the files
  std::string private_key;
  std::string error;  // why it cannot be served; empty: it can
  std::vector<std::string> names;
  WallTime not_before{};
  WallTime not_after{};
  bool chain_complete = true;
  bool key_is_open = false;  // to users who are neither owner nor in the group
};

CertificateFacts look_at_certificate(const config::CertificateFiles& files);
Finding judge_certificate(const CertificateFacts& facts, WallTime now);

Findings check_certificates(const config::Config& config, WallTime now);

}  // namespace gatehouse::doctor
