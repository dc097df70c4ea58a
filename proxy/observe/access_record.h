// What an access-log line says about one exchange, and the three forms it is written in. A view: built when the
// exchange ends, gone with the line. Never holds Authorization, Cookie or any other field than the two named. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "proxy/http/protocol.h"
#include "proxy/observe/log_text.h"

namespace gatehouse {

class Exchange;

enum class AccessLogFormat : std::uint8_t {
  kJson,      // one object a line; what is not known is null
  kCombined,  // NCSA combined, as Apache and nginx write it
  kW3c,       // W3C extended, as IIS writes it, with cs-version; needs w3c_directives() first
};

// Empty texts and absent values are what is not known.
struct AccessRecord {
  WallTime time{};
  std::string_view id;
  std::string client;
  std::string_view listener;
  Protocol protocol = Protocol::kH1;
  std::string_view tls;
  std::string_view method;
  std::string_view scheme;
  std::string_view host;
  std::string_view path;
  std::string_view query;
  std::uint16_t status = 0;
  std::string_view fault;
  std::string_view route;
  std::string_view upstream;
  std::string_view endpoint;
  std::optional<std::uint64_t> app_pid;
  std::uint32_t attempts = 0;
  bool upstream_reused = false;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  Duration duration{};
  std::optional<Duration> queued;
  std::optional<Duration> connected;
  std::optional<Duration> first_byte;
  std::string_view referer;
  std::string_view user_agent;

  // REQUIRES: the exchange outlives the record.
  static AccessRecord of(const Exchange& exchange);
};

// Appends one line with its end.
void append_line(std::string& out, const AccessRecord& record, AccessLogFormat format, log_text::LogTime& times);

// "#Version", "#Software" and "#Fields" lines, for the beginning of a W3C log.
std::string w3c_directives();

}  // namespace gatehouse
