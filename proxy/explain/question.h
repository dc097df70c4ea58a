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
  // Each as "Name: value".
  std::vector<std::string> headers;
  // An IP address without a port, or "unix"; empty for an example that suits the listener.
  std::string client;
  // "h1", "h2" or "h3"; empty for what a client would choose.
  std::string protocol;
  // Its address as in the file; empty where the URL finds it.
  std::string listener;
};

struct Question {
  // As typed, with its fragment.
  std::string url;
  // The scheme is https.
  bool secure = false;
  // Of the URL, in lower case, without port and brackets.
  std::string host;
  // Of the URL; 80 or 443 where it has none.
  std::uint16_t port = 0;
  // host[:port] as the client sends it: the Host header's if there is one.
  std::string authority;
  // Path and query as typed, beginning with "/".
  std::string target;
  std::string method;
  // As typed, without Host.
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<Address> client;
  std::optional<Protocol> protocol;
  std::string listener;
};

// The error names the option that cannot be read, and says how to write it.
Result<Question> parse_question(const QuestionText& text);

// The request as a codec hands it over: h1 through the parser, from bytes; h2 and h3 as their fields, with names in
// lower case. The fault is what the h1 parser would refuse it with; h2 and h3 are judged later, by check_request(). A
// body that the fields promise is not sent.
std::expected<RawRequest, Fault> raw_request(const Question& question, Protocol protocol, const HeadLimits& limits);

}  // namespace gatehouse
