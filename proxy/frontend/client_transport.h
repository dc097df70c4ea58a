// What a client connection is made from once its bytes flow: the stream, who is at the other end, what TLS agreed on,
// and the permit that counts it. Moves from TlsAccept to H1Connection or H2Connection, and at the end to
// LingeringClose. One loop's thread.
#pragma once

#include <expected>
#include <memory>

#include "common/address.h"
#include "common/byte_stream.h"
#include "proxy/frontend/connection_budget.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/http/client_info.h"
#include "proxy/http/fault.h"
#include "proxy/http/message.h"

namespace gatehouse {

struct ClientTransport {
  std::unique_ptr<ByteStream> stream;
  Address peer;
  std::shared_ptr<const TlsSummary> tls;        // null: cleartext
  std::shared_ptr<const TlsContexts> contexts;  // what `tls` was made with; outlives the stream's SSL
  ConnectionPermit permit;

  bool secure() const { return tls != nullptr; }
};

ClientInfo client_info(const ListenerContext& context, const ClientTransport& transport, Protocol protocol);

// field_rules::check_request, then whether the client came to the right place (kMisdirected, RFC 9110 section 7.4).
// `contexts` and `tls` may be null. On a fault `raw` keeps what the rules have not taken.
std::expected<RequestHead, Fault> check_request(RawRequest& raw, const HeadLimits& limits, const TlsContexts* contexts,
                                                const TlsSummary* tls);

// Of a head beyond its limit: what to say. `raw` has the target, or the beginning of one that is too long.
Fault too_large(const RawRequest& raw, const HeadLimits& limits);

// What is known of a rejected request, for its log line.
RequestHead rejected_head(RawRequest&& raw);

}  // namespace gatehouse
