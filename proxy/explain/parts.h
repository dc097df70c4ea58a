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
#include "proxy/gates/address_gate.h"

namespace gatehouse::parts {

// "FILE:LINE"; the file alone where there is no line, and empty where a configuration is in no file.
std::string file_and_line(const config::Location& location);

// Which certificate a client gets that asks for this name, "" for none. No files: the handshake is refused.
Explanation::Certificate certificate(const TlsContexts& contexts, std::string_view server_name);
// What the route does to the request, or instead of forwarding it: a line for each key that is set.
std::vector<std::string> rewrites(const config::Route& route, const DryRunResult& result);
// Whether the gate lets the client pass, and by which entry; empty where it asks for nothing.
std::string access(const AddressGate& gate, const Address& client);
// The upstream or the app of that name (upstream_part.cc).
Explanation::Upstream upstream(const config::Config& config, const std::string& name, const DryRunResult& result);
// The head that the endpoint got, line by line.
std::vector<std::string> lines(const DryRunResult& result);
// What the client gets, without Date. `route` may be null. Of a forwarded request only what we change, since the fake
// endpoint's answer has nothing of its own. Nothing where the client gets no answer.
std::optional<Explanation::Response> response(const DryRunResult& result, const config::Route* route);
// Nothing where the exchange ended well.
std::optional<Explanation::Fault> fault(const DryRunResult& result);
// Limits and timeouts that hold for this request, and which of them its route sets. `route` may be null.
std::vector<Explanation::Limit> limits(const ListenerPolicy& policy, const DryRunResult& result,
                                       const config::Route* route);

}  // namespace gatehouse::parts
