// The parts of an explanation, each from the configuration and from what happened in the dry run. What changes from
// request to request (ids, signatures, the date) is replaced by words, so that the same question has the same answer.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "proxy/explain/dry_run.h"
#include "proxy/explain/explanation.h"
#include "proxy/frontend/tls/tls_contexts.h"

namespace gatehouse::parts {

std::string file_and_line(const config::Location& location);  // "FILE:LINE"; empty: in no file

// No files: the handshake is refused.
Explanation::Certificate certificate(const TlsContexts& contexts, std::string_view server_name);
std::vector<std::string> rewrites(const config::Route& route, const DryRunResult& result);
Explanation::Upstream upstream(const config::Config& config, const std::string& name, const DryRunResult& result);
std::vector<std::string> lines(const DryRunResult& result);
std::optional<Explanation::Response> response(const DryRunResult& result, const config::Route* route);
std::optional<Explanation::Fault> fault(const DryRunResult& result);
std::vector<Explanation::Limit> limits(const ListenerPolicy& policy, const DryRunResult& result,
                                       const config::Route* route);

}  // namespace gatehouse::parts
