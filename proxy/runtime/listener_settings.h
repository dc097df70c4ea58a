// From the configuration of listeners, [limits] and [timeouts] to the options of those who carry it out. Pure, any thread;
// the configuration is a valid one.
#pragma once

#include "config/config.h"
#include "proxy/frontend/client_table.h"
#include "proxy/frontend/quic/quic_options.h"
#include "proxy/http/client_info.h"
#include "proxy/http/limits.h"

namespace gatehouse {

// Without half_closed, which is the route's.
ExchangeLimits exchange_limits(const config::Limits& limits, const config::Timeouts& timeouts);
ClientLimits client_limits(const config::Limits& limits);
// Without what SnapshotBuilder knows alone: name, address, pseudonym, and what depends on bound sockets.
ListenerPolicy listener_policy(const config::Config& config, const config::Listener& listener);
QuicOptions quic_options(const config::Quic& quic, const config::Server& server);

}  // namespace gatehouse
