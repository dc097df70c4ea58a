// What the connections of one listener on one worker share. A member of the WorkerListener (or of the admin page),
// which declares it before the listener that uses it; it outlives all its connections. One loop's thread. A reload
// replaces `policy`, `tls` and what the listener speaks; connections read them when they begin and when an exchange
// begins.
#pragma once

#include <memory>

#include "proxy/frontend/client_connection.h"
#include "proxy/frontend/connection_budget.h"
#include "proxy/http/client_info.h"
#include "proxy/http/counters.h"
#include "proxy/http/exchange/exchange.h"

namespace gatehouse {

class TlsContexts;

struct ListenerContext {
  EventLoop& loop;
  // What every exchange needs: the observer, and who makes its responder.
  ExchangeContext& exchanges;
  std::shared_ptr<const ListenerPolicy> policy;
  // Null: cleartext.
  std::shared_ptr<const TlsContexts> tls;
  // Written by this thread alone.
  ListenerCounters& counters;
  // Owns the connections of this listener on this worker.
  ConnectionList connections;
  // What may be chosen on TCP. HTTP/2 comes by ALPN, or by prior knowledge on cleartext (RFC 9113 section 3.3).
  bool speaks_h1 = true;
  bool speaks_h2 = false;
  // The listener goes away: a connection that becomes one now begins as one that drains.
  bool draining = false;
  // Of the listener on all workers. Null: no limit.
  std::shared_ptr<ConnectionBudget> budget = nullptr;

  // Returns true if clients wait for room and the caller is one of the connections that end with their next answer.
  // Each true answers one wish (ConnectionBudget::take_wish()), so that whoever asks must act on it.
  bool gives_way() const { return budget && budget->take_wish(); }
};

}  // namespace gatehouse
