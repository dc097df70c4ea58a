// What an endpoint wants by X-Delegate-To: that its request is run at another upstream, as if that had been chosen first.
// Who may do so to whom is part of a snapshot; the rest are pure functions of what is known. Any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/forward/route_table.h"
#include "proxy/http/client_info.h"
#include "proxy/http/exchange/exchange.h"
#include "proxy/http/fault.h"
#include "proxy/http/field_list.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse {

// An upstream, and to whom it may hand requests. Those of a snapshot are one table, and a route that leads to one of them
// keeps all of it: an upstream itself knows of no other, so that a circle keeps nothing alive.
struct Delegator {
  // Never null.
  std::shared_ptr<const Upstream> upstream;
  // Of the same table; empty: it may hand requests to nobody.
  std::vector<const Delegator*> targets;
};

namespace delegation {

// How often one request is handed over, from the route's upstream on.
inline constexpr std::size_t kMostHops = 3;

struct Facts {
  // Who wants it.
  const Delegator& by;
  // What it said in X-Delegate-To.
  std::string_view wish;
  // Who has handed the request over before.
  std::span<const Upstream* const> visited;
  // The endpoint has asked for the body, got bytes of it, or opened the tunnel: the request is its own.
  bool taken = false;
};

struct Decision {
  Delegation::Result result = Delegation::Result::kRefused;
  // Null: `by` may hand requests to nobody of this name.
  const Delegator* target = nullptr;
};

// kRefused: the name is none that the upstream lists. kLate: the request is taken. kLoop: the upstream has been visited,
// or the hops are used up. In this order.
Decision decide(const Facts& facts);

// REQUIRES: not kHandedOver.
Fault fault_of(Delegation::Result result);

// Takes X-Delegate-To out of a head, and returns what it said; nothing if there was none. Of several the values are
// joined by commas, which makes them nobody's name.
std::optional<std::string> take(FieldList& fields);

// Gives `request` the fields of `response` that its X-Delegate-Headers names, in place of what it had of these names in any
// spelling. Left out are the names that frame a message or say how its body is read, hop-by-hop ones, Host, those of
// Gatehouse's own making (Via, X-Request-Id), what only proxies may assert (asserted_fields.h, and `strip` of the
// listener), and what the route's edits set or remove. Hop-by-hop fields of `response` are gone afterwards.
void add_fields(FieldList& request, FieldList& response, const ClientInfo& client, const HeaderEdits& edits);

}  // namespace delegation

}  // namespace gatehouse
