#include <cstdint>
#include <format>
#include <optional>
#include <string_view>

#include "config/reading/sections.h"

namespace gatehouse::config {

namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint32_t kMostStreams = 1'000'000;
constexpr std::size_t kMostHeaders = 10'000;
// Beyond these something else was meant: a minimum that no mobile client keeps to, a rate that no machine has.
constexpr std::uint32_t kFastestMinimum = 1'000'000;
constexpr std::uint64_t kMostBandwidth = 1024 * 1024 * kMiB;

}  // namespace

bool read_max_request_body(TableReader& reader, std::optional<std::uint64_t>& value) {
  return reader.read_size_or_off("max_request_body", value, {.min = 1});
}

bool read_min_rate(TableReader& reader, std::string_view key, std::uint32_t& value) {
  return reader.read(key, value, {.max = kFastestMinimum});
}

bool read_bandwidth(TableReader& reader, std::uint64_t& value) {
  return reader.read_size("bandwidth", value, {.max = kMostBandwidth});
}

void read_cache_limits(TableReader& reader, CacheLimits& limits) {
  constexpr std::uint64_t kLeastMemory = kMiB;
  constexpr std::size_t kShare = 4;
  reader.read_size("memory", limits.memory, {.min = kLeastMemory});
  reader.read_size("max_entry", limits.max_entry, {.min = 1});
  if (limits.max_entry <= limits.memory / kShare) return;
  reader.error(
      reader.has("max_entry") ? "max_entry" : "memory",
      std::format(R"("max_entry" ({} bytes) is more than a quarter of "memory" ({} bytes): one response would )"
                  "drive out all others; make it smaller, or the memory larger",
                  limits.max_entry, limits.memory));
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
  read_min_rate(reader, "min_request_rate", limits.min_request_rate);
  read_min_rate(reader, "min_response_rate", limits.min_response_rate);
  read_bandwidth(reader, limits.bandwidth);
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
  reader.read("tunnel", timeouts.tunnel);
  reader.read("linger", timeouts.linger);
}

}  // namespace gatehouse::config
