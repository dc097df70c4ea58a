#include <cstdint>
#include <optional>

#include "config/reading/sections.h"

namespace gatehouse::config {

namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint32_t kMostStreams = 1'000'000;
constexpr std::size_t kMostHeaders = 10'000;

}  // namespace

bool read_max_request_body(TableReader& reader, std::optional<std::uint64_t>& value) {
  return reader.read_size_or_off("max_request_body", value, {.min = 1});
}

void read_limits(TableReader& reader, Limits& limits) {
  reader.read("max_connections", limits.max_connections);
  limits.max_connections_location = reader.location("max_connections");
  reader.read("max_requests_per_connection", limits.max_requests_per_connection);
  reader.read("max_streams", limits.max_streams, {.min = 1, .max = kMostStreams});
  read_max_request_body(reader, limits.max_request_body);
  reader.read_size("max_header_bytes", limits.max_header_bytes, {.min = kKiB, .max = 16 * kMiB});
  reader.read("max_header_count", limits.max_header_count, {.min = 1, .max = kMostHeaders});
  reader.read_size("max_target_bytes", limits.max_target_bytes, {.min = 64, .max = kMiB});
  auto& connections = limits.max_connections_per_client;
  connections.written = reader.read_count_or_off("max_connections_per_client", connections.value);
  auto& handshakes = limits.max_handshakes_per_client;
  handshakes.written = reader.read_rate_or_off("max_handshakes_per_client", handshakes.value);
}

void read_timeouts(TableReader& reader, Timeouts& timeouts) {
  reader.read("handshake", timeouts.handshake);
  reader.read("header", timeouts.header);
  reader.read("idle", timeouts.idle);
  reader.read("request_body", timeouts.request_body);
  reader.read("connect", timeouts.connect);
  reader.read("response", timeouts.response);
  reader.read("response_body", timeouts.response_body);
  reader.read("response_write", timeouts.response_write);
  reader.read("linger", timeouts.linger);
}

}  // namespace gatehouse::config
