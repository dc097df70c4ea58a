// `gatehouse explain`: which listener, certificate, route, rewrites, upstream and heads one request would get, and
// why, without a running instance. Main thread of a short-lived process.
#pragma once

#include <expected>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"
#include "proxy/explain/explanation.h"
#include "proxy/explain/question.h"

namespace gatehouse {

class CertificateStore;

// The diagnostics say why there is nothing to explain: the configuration cannot be put in force (a certificate that
// cannot be read), or the dry run did not come to an end. A request that no listener takes, or whose handshake is
// refused, is explained all the same: `outcome` says so, and what comes later is empty. REQUIRES: a configuration
// without errors; `certificates` is where its loading has left those.
std::expected<Explanation, std::vector<config::Diagnostic>> explain(const config::Config& config,
                                                                    const Question& question,
                                                                    CertificateStore& certificates);

}  // namespace gatehouse
