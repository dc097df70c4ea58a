#include "proxy/runtime/listener_settings.h"

#include <tuple>

namespace gatehouse {

ExchangeLimits exchange_limits(const config::Limits& limits, const config::Timeouts& timeouts) {
  return {
      .max_request_body = limits.max_request_body.value_or(kUnlimited),
      .request_body_timeout = timeouts.request_body,
      .connect_timeout = timeouts.connect,
      .response_timeout = timeouts.response,
      .response_body_timeout = timeouts.response_body,
      .response_write_timeout = timeouts.response_write,
      .tunnel_timeout = timeouts.tunnel,
      .min_request_rate = limits.min_request_rate,
      .min_response_rate = limits.min_response_rate,
  };
}

ClientLimits client_limits(const config::Limits& limits) {
  const auto& [connections, handshakes] = std::tie(limits.max_connections_per_client, limits.max_handshakes_per_client);
  return {.connections = connections.value,
          .handshakes = handshakes.value.count,
          .period = handshakes.value.period,
          .spare_connections_of_loopback = !connections.written,
          .spare_handshakes_of_loopback = !handshakes.written};
}

ListenerPolicy listener_policy(const config::Config& config, const config::Listener& listener) {
  ListenerPolicy policy;
  policy.secure = listener.tls.has_value();
  policy.public_port = listener.address.port();
  policy.redirect_to_https = listener.redirect_to_https;
  policy.client_auth = listener.tls ? listener.tls->client_auth : ClientAuth::kNone;
  policy.plain_on_tls = listener.plain_on_tls;
  policy.alt_svc_frame = listener.alt_svc_frame;
  policy.trusted_proxies = listener.trusted_proxies;
  policy.client_address = listener.client_address;
  policy.proxy_protocol = listener.proxy_protocol;
  policy.strip = listener.strip;
  policy.head.max_header_bytes = config.limits.max_header_bytes;
  policy.head.max_header_count = config.limits.max_header_count;
  policy.head.max_target_bytes = config.limits.max_target_bytes;
  policy.exchange = exchange_limits(config.limits, config.timeouts);
  policy.connection.max_requests = config.limits.max_requests_per_connection;
  policy.connection.max_streams = config.limits.max_streams;
  policy.connection.handshake_timeout = config.timeouts.handshake;
  policy.connection.header_timeout = config.timeouts.header;
  policy.connection.idle_timeout = config.timeouts.idle;
  policy.connection.linger_timeout = config.timeouts.linger;
  return policy;
}

QuicOptions quic_options(const config::Quic& quic, const config::Server& server) {
  QuicOptions options;
  if (!server.quic_server_id.empty()) options.ids = QuicIdLayout(server.quic_server_id, server.quic_config_id);
  options.congestion_control = quic.congestion_control;
  return options;
}

}  // namespace gatehouse
