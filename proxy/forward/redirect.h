// Responders that need no endpoint: redirects, fixed answers, and exchanges that end with a fault at once. Owned by
// their exchange; one loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "proxy/forward/route_table.h"
#include "proxy/http/exchange.h"

namespace gatehouse::redirect {

std::unique_ptr<Responder> to(Exchange& exchange, const Route& route, const RedirectTo& action);
std::unique_ptr<Responder> to_https(Exchange& exchange, std::uint16_t port);
std::unique_ptr<Responder> respond(Exchange& exchange, const Route& route, const RespondWith& action);
std::unique_ptr<Responder> fail(Exchange& exchange, Fault fault);

// Pure parts.
std::string location(const std::string& pattern, const RequestHead& head);
std::string https_location(const RequestHead& head, std::uint16_t port);

}  // namespace gatehouse::redirect
