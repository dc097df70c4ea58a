// What a client connection is made from once its bytes flow: the stream, who is at the other end, what TLS agreed on,
// and the permit that counts it. Made by TcpListener (cleartext) or TlsAccept, it moves on through ClearAccept to an
// H1Connection or H2Connection, and at the end to LingeringClose. One loop's thread.
//
// The rest of this file is what the codecs do with the head of a request in the same way.
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
  // Null once the transport has moved on.
  std::unique_ptr<ByteStream> stream;
  // The client's address, as the listening socket has told it.
  Address peer;
  // Null: cleartext.
  std::shared_ptr<const TlsSummary> tls;
  // What `tls` was made with; outlives the stream's SSL. Null: cleartext.
  std::shared_ptr<const TlsContexts> contexts;
  // Given back when the transport is destroyed.
  ConnectionPermit permit;

  bool secure() const { return tls != nullptr; }
};

// What an exchange is told of its client. It keeps the policy that the listener has now, whatever a reload brings
// later.
ClientInfo client_info(const ListenerContext& context, const ClientTransport& transport, Protocol protocol);

// Applies field_rules::check_request(), and then checks whether the client came to the right place (kMisdirected,
// RFC 9110 section 7.4). `contexts` and `tls` may be null: then every place is the right one. On a fault `raw` keeps
// what the rules have not taken, which is what rejected_head() needs.
std::expected<RequestHead, Fault> check_request(RawRequest& raw, const HeadLimits& limits, const TlsContexts* contexts,
                                                const TlsSummary* tls);

// Returns the fault of a head beyond its limit: kTargetTooLong or kHeadersTooLarge. `raw` has the target, or so much
// of it that it is seen to be too long.
Fault too_large(const RawRequest& raw, const HeadLimits& limits);

// Returns what is known of a rejected request, for its log line: no fields, and its target unchecked.
RequestHead rejected_head(RawRequest&& raw);

}  // namespace gatehouse
