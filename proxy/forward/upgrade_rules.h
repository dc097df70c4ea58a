// What becomes of a request that asks for another protocol on its connection (RFC 9110 section 7.8), a WebSocket first
// of all (RFC 6455; over h2 RFC 8441, over h3 RFC 9220), and how an endpoint's yes is told from anything else. Endpoints
// speak HTTP/1.1: what h2 and h3 have no need of, the key and its proof, is said and checked here for them. Pure
// functions, any thread.
#pragma once

#include <string_view>

#include "proxy/forward/route_table.h"
#include "proxy/http/message.h"

namespace gatehouse {

// Returns what the endpoint is to be asked for: the request's own wish where the route lists it, else nothing. Nothing
// is no fault on h1: the request goes on without its wish, as RFC 9110 has it. On h2 and h3 there is no such request
// (kUpgradeNotSupported).
std::string_view allowed_upgrade(const RequestHead& head, const Route& route);

// Makes an h2 or h3 request for a WebSocket the handshake of HTTP/1.1: with a key of its own, one for each attempt.
void complete_handshake(RequestHead& head);

// Judges a 101: it names the protocol that was asked for, and for a WebSocket it proves that the endpoint has seen the
// key (RFC 6455 section 4.2.2). Takes the proof out where the client gave no key. False: nobody knows what follows.
bool is_accepted(const RequestHead& request, ResponseHead& response);

}  // namespace gatehouse
