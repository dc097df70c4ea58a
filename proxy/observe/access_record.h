// What an access-log line says about one exchange, and the forms it is written in. A view: built when the
// exchange ends, gone with the line. Never holds Authorization, Cookie or any other field than the two named. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "config/policy/access_log_format.h"
#include "proxy/http/protocol.h"
#include "proxy/observe/log_text.h"

namespace gatehouse {

class Exchange;
struct ProxyHeaderNotes;

// Empty texts and absent values are what is not known. The members are in the order of the JSON line; the views are
// into the exchange and its snapshot.
struct AccessRecord {
  // When the exchange began.
  WallTime time{};
  // X-Request-Id, as the client sent it or as it was made.
  std::string_view id;
  // The IP address of who asked: of the client, or whom a trusted proxy names.
  std::string client;
  std::string_view listener;
  Protocol protocol = Protocol::kH1;
  // "TLSv1.3"; empty without TLS.
  std::string_view tls;
  // The subject of the client's certificate; empty if it has shown none.
  std::string_view tls_client;
  // Who has signed in, where the route asks for it.
  std::string_view user;
  std::string_view method;
  std::string_view scheme;
  // As `authority` of RequestHead has it: in lower case, with the port where the client sent one.
  std::string_view host;
  std::string_view path;
  // Without "?". It may be secret in parts: AccessLogBuffer puts what Redaction leaves of it in its place.
  std::string_view query;
  // As it was sent; 499 where the client left before any was, 0 where none is known.
  std::uint16_t status = 0;
  // The label of the fault that ended the exchange; empty where it ended well.
  std::string_view fault;
  // What the system said of it: "ECONNREFUSED". Empty where it said nothing.
  std::string_view error;
  // Names of the configuration; empty where none was chosen.
  std::string_view route;
  std::string_view upstream;
  std::string_view endpoint;
  // Those that have handed the request over, in their order ("router/127.0.0.1:5000"): in the JSON line only, and there only
  // if there are any.
  std::vector<std::string> delegated_by = {};
  // Of the process behind the endpoint, where it is an instance of an app.
  std::optional<std::uint64_t> app_pid;
  // How often it was tried: more than 1 after a retry, 0 where no endpoint was asked.
  std::uint32_t attempts = 0;
  // The last attempt went over a connection kept from earlier.
  bool upstream_reused = false;
  // What the cache of the route did; empty: it has none.
  std::string_view cache;
  // Bytes of bodies alone: from the client, and to it.
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  // From the first byte of the request, or as near to it as the codec knows, to the end of the exchange.
  Duration duration{};
  // In the waiting line, and connecting; absent where neither was needed.
  std::optional<Duration> queued;
  std::optional<Duration> connected;
  // From the start to the head of the answer, whoever made it.
  std::optional<Duration> first_byte;
  // The only two fields of the request that are logged.
  std::string_view referer;
  std::string_view user_agent;
  // Of a connection that began with a PROXY header: in the JSON line only, and there only then. Null: it did not.
  const ProxyHeaderNotes* proxied = nullptr;

  // Reads the exchange as it is now. REQUIRES: the exchange outlives the record, and its head does not change.
  static AccessRecord of(const Exchange& exchange);
};

// How a line is written.
struct LineStyle {
  // kAuto is as kJson.
  AccessLogFormat format = AccessLogFormat::kJson;
  // Of kShort alone: with ANSI escape sequences; and how many characters it may have, 0 if nobody knows.
  bool colours = false;
  std::size_t columns = 0;
};

// Appends one line with its end. Whatever a client put into the texts, it stays one line: see log_text.h.
void append_line(std::string& out, const AccessRecord& record, const LineStyle& style, log_text::LogTime& times);

// "#Version", "#Software" and "#Fields" lines, for the beginning of a W3C log: the fields in the order in which
// append_line() writes them.
std::string w3c_directives();

}  // namespace gatehouse
