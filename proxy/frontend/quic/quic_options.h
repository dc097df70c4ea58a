// What can be set about QUIC connections, with our defaults. A value, part of a ListenerSnapshot. QuicDispatch copies
// it when the listener begins and its connections read that copy: of a reload only the congestion control changes
// anything for a listener that goes on (QuicListener::use()).
#pragma once

#include <chrono>
#include <cstddef>

#include "config/policy/listeners.h"
#include "proxy/frontend/h3/h3_options.h"
#include "proxy/frontend/quic/quic_id.h"

namespace gatehouse {

struct QuicOptions {
  // The form of our connection ids; the same on all workers, whose filter goes by it.
  QuicIdLayout ids;
  CongestionControl congestion_control = CongestionControl::kCubic;
  // RFC 8899: datagrams grow with what the path carries.
  bool discover_path_mtu = true;
  // The policy's idle timeout where that is shorter.
  std::chrono::milliseconds max_idle_timeout{30'000};
  // Handshakes of clients without a token, on one worker: beyond it every such client gets a Retry.
  std::size_t max_half_open = 100;
  // Likewise, for clients of one /24 or /56.
  std::size_t max_half_open_per_prefix = 8;
  // How long a client may take to come back with the token of a Retry.
  std::chrono::seconds retry_token_lifetime{10};
  // How long the token of NEW_TOKEN saves a client the Retry.
  std::chrono::hours new_token_lifetime{24};
  H3Options h3;
  // Ack-eliciting packets before an acknowledgement may not wait (RFC 9000 section 13.2.2).
  std::size_t ack_threshold = 2;
};

}  // namespace gatehouse
