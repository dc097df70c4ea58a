// What can be set about QUIC connections, with our defaults. A value, part of a listener; connections copy what they
// need when they begin.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "proxy/frontend/h3/h3_options.h"
#include "proxy/frontend/quic/quic_id.h"

namespace gatehouse {

struct QuicOptions {
  enum class CongestionControl : std::uint8_t { kCubic, kBbr };

  QuicIdLayout ids;
  CongestionControl congestion_control = CongestionControl::kCubic;
  bool discover_path_mtu = true;
  std::chrono::milliseconds max_idle_timeout{30'000};  // the policy's idle timeout where that is shorter
  std::size_t max_half_open = 100;                     // beyond it every client without a token gets a Retry
  std::size_t max_half_open_per_prefix = 8;            // likewise, for clients of one /24 or /56
  std::chrono::seconds retry_token_lifetime{10};
  std::chrono::hours new_token_lifetime{24};
  H3Options h3;
  std::size_t ack_threshold = 2;  // ack-eliciting packets before an acknowledgement may not wait
};

}  // namespace gatehouse
