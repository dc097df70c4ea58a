// `gatehouse explain`: which listener, certificate, route, rewrites, upstream and heads one request would get, and why,
// without a running instance. Main thread of a short-lived process.
#pragma once

#include <expected>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"
#include "proxy/explain/explanation.h"
#include "proxy/explain/question.h"

namespace gatehouse {

// The diagnostics: the configuration cannot be put in force (a certificate that cannot be read).
std::expected<Explanation, std::vector<config::Diagnostic>> explain(const config::Config& config,
                                                                    const Question& question);

}  // namespace gatehouse
