// What `gatehouse explain` is asked: one request, as somebody would type it. Parsed but not judged: a path that would
// be refused is kept as it is, so that the code that serves refuses it. Values; main thread of a short-lived process.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/address.h"
#include "common/result.h"
#include "proxy/http/fault.h"
#include "proxy/http/limits.h"
#include "proxy/http/message.h"

namespace gatehouse {

// As typed.
struct QuestionText {
  std::string url;
  std::string method = "GET";
  std::vector<std::string> headers;  // "Name: value"
  std::string client;                // an IP address; empty: an example
  std::string protocol;              // h1, h2, h3; empty: what a client would choose
  std::string listener;              // its address as in the file; empty: found by the URL
};

struct Question {
  std::string url;
  bool secure = false;
  std::string host;  // of the URL, in lower case, without port and brackets
  std::uint16_t port = 0;
  std::string authority;  // host[:port] as the client sends it, the Host header's if there is one
  std::string target;     // path and query as typed
  std::string method;
  std::vector<std::pair<std::string, std::string>> headers;  // without Host
  std::optional<Address> client;
  std::optional<Protocol> protocol;
  std::string listener;
};

Result<Question> parse_question(const QuestionText& text);

// The request as a codec hands it over: h1 through the parser, from bytes; h2 and h3 as their fields.
std::expected<RawRequest, Fault> raw_request(const Question& question, Protocol protocol, const HeadLimits& limits);

}  // namespace gatehouse
