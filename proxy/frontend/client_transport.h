// What a client connection is made from once its bytes flow: the stream, who is at the other end, what TLS agreed on,
// and the permit that counts it. Made by TcpListener (cleartext) or TlsAccept, it moves on through ClearAccept to an
// H1Connection or H2Connection, and at the end to LingeringClose. One loop's thread.
//
// The rest of this file is what the codecs do with the head of a request in the same way.
#pragma once

#include <cstdint>
#include <memory>

#include "common/address.h"
#include "common/byte_stream.h"
#include "proxy/frontend/connection_budget.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/http/client_info.h"
#include "proxy/http/field_rules.h"

namespace gatehouse {

struct ClientTransport {
  // Null once the transport has moved on.
  std::unique_ptr<ByteStream> stream;
  // The client's address, as the listening socket or a PROXY header has told it.
  Address peer;
  // Null: cleartext.
  std::shared_ptr<const TlsSummary> tls;
  // What `tls` was made with; outlives the stream's SSL. Null: cleartext.
  std::shared_ptr<const TlsContexts> contexts;
  // Given back when the transport is destroyed.
  ConnectionPermit permit;
  // What the stream has taken.
  std::int64_t written = 0;
  // The listener has TLS, and the client speaks HTTP without it.
  bool strayed = false;
  // What a PROXY header has said, which `peer` is from then. Null: there was none, or it gave no address.
  std::shared_ptr<const ProxyHeaderNotes> proxied = {};
  // Of the stream, true until its handshake is done: what comes may be a replay (RFC 8446 section 8). Null: it is done.
  const bool* early = nullptr;
  // What its exchanges leave for each other; ends with the connection that speaks HTTP.
  BelongingsPtr belongings = {};

  bool secure() const { return tls != nullptr; }
  // As the stream's, and counted.
  IoResult write(Buffer& from);
  // Says how far the client has come, for a StallWatch: the bytes that it has acknowledged, or fewer by what TLS adds to
  // those on the way. A system call.
  std::int64_t acknowledged() const { return written - static_cast<std::int64_t>(stream->unacknowledged()); }
};

// What an exchange is told of its client. It keeps the policy that the listener has now, whatever a reload brings
// later.
ClientInfo client_info(const ListenerContext& context, ClientTransport& transport, Protocol protocol);

// What check_request shall ask about the hosts of a connection: whether the certificate that its client asked for is the
// right one, and whether clients that were let in with `contexts` are let in with `now`, those of the listener, as well.
// All may be null, and must outlive the result.
field_rules::Misdirected misdirection(const TlsContexts* contexts, const TlsSummary* tls, const TlsContexts* now);

}  // namespace gatehouse
