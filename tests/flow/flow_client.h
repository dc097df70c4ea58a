// A client as scenarios see it, whatever it speaks: requests go out piece by piece, answers are looked at. Nothing
// moves but in step(), which the test's world calls once a turn. Owned by the test; one thread.
//
// The h1 client opens a connection for each request that is under way at the same time, as browsers do; the others
// carry all on one. A begin() on a connection that takes no more requests opens a new one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/http/message.h"
#include "proxy/http/protocol.h"

namespace gatehouse::flow {

class Front;

using Fields = std::vector<std::pair<std::string, std::string>>;
std::string find(const Fields& fields, std::string_view name);  // joined with ", "; empty if absent

// Of the handshakes of the h1 client, and the proof that an endpoint has seen it (RFC 6455 section 1.3).
inline constexpr std::string_view kWebSocketKey = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::string_view kWebSocketProof = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

struct Request {
  std::string method = "GET";
  std::string target = "/";
  Fields fields = {};  // names in lower case
  BodyLength body = {};
  std::string authority = "shop.test";
  std::string upgrade = {};  // what the connection or stream is to become; the body is the tunnel's then
};

enum class End { kNone, kClean, kBroken };

struct Response {
  std::vector<int> interim;
  int status = 0;      // 0: no head yet
  std::string reason;  // h1, where it is not the registered one
  Fields fields;       // names in lower case
  std::string body;
  Fields trailers;
  End end = End::kNone;
  std::uint64_t code = 0;  // of the RST_STREAM or RESET_STREAM that broke it
  bool stopped = false;    // told, without an error, that the rest of the request is not wanted

  std::string field(std::string_view name) const { return find(fields, name); }
};

class FlowClient {
 public:
  using Stream = std::size_t;
  // `turn` lets the world go on, for a handshake.
  static std::unique_ptr<FlowClient> make(Protocol protocol, Front& front, std::function<void()> turn);
  virtual ~FlowClient() = default;

  virtual Stream begin(const Request& request) = 0;  // ends the request if its body is BodyLength::none()
  virtual void send(Stream stream, std::string_view body) = 0;
  virtual void finish(Stream stream, const Fields& trailers = {}) = 0;
  virtual void reset(Stream stream) = 0;  // h1: RST
  virtual void stop_reading(Stream stream) = 0;
  virtual void read_on(Stream stream) = 0;
  // So many bytes are taken of what has come, and no more before the next take() or read_on(). h1, h2: off the
  // connection, so that the rest is unacknowledged; h3: of the stream, whose window opens by it.
  virtual void take(Stream stream, std::size_t bytes) = 0;
  virtual void leave() = 0;  // all connections end, cleanly as far as the protocol knows that

  virtual const Response& response(Stream stream) const = 0;
  virtual std::size_t unsent(Stream stream) const = 0;  // body bytes that backpressure keeps here
  virtual bool usable(Stream stream) const = 0;         // its connection takes another request
  virtual bool connected(Stream stream) const = 0;      // its connection has not been closed by the server

  virtual bool step() = 0;  // true if anything moved
};

}  // namespace gatehouse::flow
