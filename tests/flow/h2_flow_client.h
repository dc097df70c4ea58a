// The h2 client of the scenarios: an nghttp2 client session on a memory stream, all requests on one connection until it
// takes no more. Owned by the test; one thread.
#pragma once

#include <deque>

#include <nghttp2/nghttp2.h>

#include "tests/flow/flow_client.h"
#include "tests/support/memory_stream.h"

namespace gatehouse::flow {

class H2FlowClient final : public FlowClient {
 public:
  explicit H2FlowClient(Front& front) : front_(front) {}

  Stream begin(const Request& request) override;
  void send(Stream stream, std::string_view body) override;
  void finish(Stream stream, const Fields& trailers) override;
  void reset(Stream stream) override;
  void stop_reading(Stream stream) override { turns_.at(stream).held = true; }
  void read_on(Stream stream) override;
  void take(Stream stream, std::size_t bytes) override;
  void leave() override;

  const Response& response(Stream stream) const override { return turns_.at(stream).response; }
  std::size_t unsent(Stream stream) const override;
  bool usable(Stream stream) const override { return usable(*turns_.at(stream).connection); }
  bool connected(Stream stream) const override { return !turns_.at(stream).connection->ended; }

  bool step() override;

 private:
  struct Callbacks;
  struct SessionDeleter {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };
  struct Connection {
    std::unique_ptr<testing_support::MemoryStream> stream;  // null: left by us
    std::unique_ptr<nghttp2_session, SessionDeleter> session;
    Buffer out;
    bool reading = true;
    bool going_away = false;
    bool ended = false;
  };
  struct Turn {
    Connection* connection;
    std::int32_t id = -1;
    Response response;
    std::string body;      // of the request
    std::size_t sent = 0;  // of it
    bool finished = false;
    Fields trailers;
    bool held = false;
    std::size_t withheld = 0;  // window
    bool final_head = false;   // it is complete: what follows are trailers
    bool end_of_response = false;
  };

  static bool usable(const Connection& connection) {
    return connection.stream && !connection.ended && !connection.going_away;
  }
  Connection& current_connection();
  static bool write(Connection& connection);
  bool read(Connection& connection);
  static IoResult read(Connection& connection, std::size_t most);
  void on_connection_end(Connection& connection);

  Front& front_;
  std::deque<Connection> connections_;
  std::deque<Turn> turns_;
};

}  // namespace gatehouse::flow
