// The table of functions that ngtcp2 calls, for every QuicConnection (its user data). Constant, any thread.
#pragma once

#include <ngtcp2/ngtcp2.h>

namespace gatehouse {

const ngtcp2_callbacks& quic_callbacks();

}  // namespace gatehouse
