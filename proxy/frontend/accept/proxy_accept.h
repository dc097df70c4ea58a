// A connection of a trusted proxy that begins with a PROXY header, or may: reads the header and not a byte beyond it,
// whatever follows, and becomes the connection of the client that it names, which is admitted then. Owned by the
// connection list; one loop's thread. What is no valid header, or not complete within the handshake timeout, is
// counted by its reason and the connection closed. A proxy that goes away without a word, as health checks do, is not.
//
//   a header with addresses ----------> begin_client, as the client's
//   LOCAL, UNKNOWN -------------------> begin_client, as the proxy's own
//   no header, where it is optional --> begin_client, likewise
#pragma once

#include <optional>
#include <string>

#include "common/address.h"
#include "common/clock.h"
#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/frontend/accept/proxy_header.h"
#include "proxy/frontend/client_connection.h"
#include "proxy/frontend/connection_budget.h"
#include "proxy/frontend/listener_context.h"

namespace gatehouse {

class ProxyAccept final : public ClientConnection {
 public:
  // Looks at the socket on its own, in a waker.
  ProxyAccept(ListenerContext& context, Fd socket, const Address& proxy, ConnectionPermit permit);

  // A connection of the listener that has been accepted from `peer`: one of these for a trusted proxy; what begin_client
  // makes for others, unless the listener requires a header, which these may not send: then it is closed. REQUIRES: the
  // listener's policy has PROXY headers
  static void begin(ListenerContext& context, Fd socket, const Address& peer, ConnectionPermit permit);

  // What began before the listener closed is finished; the connection that it becomes drains.
  void drain() override {}
  Standing standing() const override { return Standing::kUnfinished; }
  bool unread() const override;
  void close_now() override { close(); }

 private:
  void look();
  // What has come is no header, and still on the socket.
  void without_header();
  // Takes so many bytes off the socket, which are there.
  void take(std::size_t count);
  void become(proxy_header::Header header);
  void fail(ProxyHeaderFailure why);
  void close();

  ListenerContext& context_;
  Fd socket_;
  const Address proxy_;
  ConnectionPermit permit_;
  const MonotonicTime since_;
  // Of what is a header for certain, and off the socket already.
  std::string received_;
  // The proxy sends no more.
  bool ended_ = false;
  Waker look_;
  Timer deadline_;
  std::optional<IoWatcher> watcher_;
};

}  // namespace gatehouse
