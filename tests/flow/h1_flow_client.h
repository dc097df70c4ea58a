// The h1 client of the scenarios: text out, answers read with llhttp's rules, one connection for each request that is
// under way. Owned by the test; one thread.
#pragma once

#include <deque>

#include "proxy/http/h1/h1_parser.h"
#include "tests/flow/flow_client.h"
#include "tests/support/memory_stream.h"

namespace gatehouse::flow {

class H1FlowClient final : public FlowClient {
 public:
  explicit H1FlowClient(Front& front) : front_(front) {}

  Stream begin(const Request& request) override;
  void send(Stream stream, std::string_view body) override;
  void finish(Stream stream, const Fields& trailers) override;
  void reset(Stream stream) override;
  void stop_reading(Stream stream) override { connection(stream).reading = false; }
  void read_on(Stream stream) override { connection(stream).reading = true; }
  void take(Stream stream, std::size_t bytes) override;
  void leave() override;

  const Response& response(Stream stream) const override { return turns_.at(stream).response; }
  std::size_t unsent(Stream stream) const override { return connection(stream).out.size(); }
  bool usable(Stream stream) const override { return usable(connection(stream)); }
  bool connected(Stream stream) const override { return connection(stream).stream && !connection(stream).ended; }

  bool step() override;

 private:
  static constexpr std::size_t kStreamRead = 64UL * 1024;
  static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);
  struct Connection {
    std::unique_ptr<testing_support::MemoryStream> stream;  // null: reset or left by us
    H1Parser parser{H1Parser::Kind::kResponse, HeadLimits{.max_header_bytes = 1UL << 20}};
    Buffer out;
    Buffer in;
    Stream current = kNobody;
    bool reading = true;
    bool keeps = true;       // no answer has said otherwise
    bool ended = false;      // by the server
    bool half_open = false;  // a tunnel whose other half goes on
  };
  struct Turn {
    Response response;
    std::size_t connection;
    bool chunked;
    bool in_tunnel = false;  // the answer was 101: no framing any more
  };

  static bool usable(const Connection& connection) {
    return connection.stream && connection.keeps && !connection.ended && connection.current == kNobody;
  }
  Connection& connection(Stream stream) { return connections_[turns_.at(stream).connection]; }
  const Connection& connection(Stream stream) const { return connections_[turns_.at(stream).connection]; }
  std::size_t free_connection();
  static bool write(Connection& connection);
  bool read(Connection& connection);
  void parse(Connection& connection);
  void take_tunnel(Connection& connection);
  void on_head(Connection& connection);
  void on_stream_end(Connection& connection, IoStatus status);
  void end(Connection& connection, End how);

  Front& front_;
  std::deque<Connection> connections_;
  std::deque<Turn> turns_;
};

}  // namespace gatehouse::flow
