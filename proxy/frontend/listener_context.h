// What the connections of one listener on one worker share. Made by the worker, outlives them all; one loop's thread.
// A reload replaces `policy` and `tls`; connections read them when they begin and when an exchange begins.
#pragma once

#include <memory>

#include "proxy/frontend/client_connection.h"
#include "proxy/frontend/connection_budget.h"
#include "proxy/http/client_info.h"
#include "proxy/http/counters.h"
#include "proxy/http/exchange.h"

namespace gatehouse {

class TlsContexts;

struct ListenerContext {
  EventLoop& loop;
  ExchangeContext& exchanges;
  std::shared_ptr<const ListenerPolicy> policy;
  std::shared_ptr<const TlsContexts> tls;  // null: cleartext
  ListenerCounters& counters;
  ConnectionList connections;
  bool speaks_h1 = true;
  bool speaks_h2 = false;  // by ALPN, or by prior knowledge on cleartext
  bool draining = false;
  std::shared_ptr<ConnectionBudget> budget = nullptr;  // of the listener on all workers; null: no limit

  // Clients wait for room: the caller is one of the connections that end with their next answer (budget's take_wish).
  bool gives_way() const { return budget && budget->take_wish(); }
};

}  // namespace gatehouse
