// The table of functions that ngtcp2 calls, for every QuicConnection (its user data). Constant, any thread; the
// functions themselves run on the thread of the connection that they are given, inside a call of ngtcp2. A failure
// comes back as what that call returns and ends the connection there (QuicConnection::fail()): nothing of ngtcp2 is
// destroyed inside ngtcp2.
#pragma once

#include <ngtcp2/ngtcp2.h>

namespace gatehouse {

const ngtcp2_callbacks& quic_callbacks();

}  // namespace gatehouse
