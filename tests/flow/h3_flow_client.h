// The h3 client of the scenarios: ngtcp2 and nghttp3 over datagrams in memory, all requests on one connection until it
// takes no more. Owned by the test; one thread.
#pragma once

#include <deque>
#include <vector>

#include "tests/flow/flow_client.h"
#include "tests/support/h3_client.h"

namespace gatehouse::flow {

class H3FlowClient final : public FlowClient {
 public:
  H3FlowClient(Front& front, std::function<void()> turn) : front_(front), turn_(std::move(turn)) {}

  Stream begin(const Request& request) override;
  void send(Stream stream, std::string_view body) override;
  void finish(Stream stream, const Fields& trailers) override;
  void reset(Stream stream) override;
  void stop_reading(Stream stream) override { of(stream).hold(turns_[stream].id); }
  void read_on(Stream stream) override { of(stream).release(turns_[stream].id); }
  void take(Stream stream, std::size_t bytes) override { of(stream).take(turns_[stream].id, bytes); }
  void leave() override;

  const Response& response(Stream stream) const override { return turns_.at(stream).response; }
  std::size_t unsent(Stream stream) const override { return of(stream).unsent(turns_[stream].id); }
  bool usable(Stream stream) const override { return usable(of(stream)); }
  bool connected(Stream stream) const override { return !of(stream).closed(); }

  bool step() override;

 private:
  using Connection = testing_support::H3Client;
  struct Turn {
    std::shared_ptr<Connection> connection;
    std::int64_t id;
    Response response;
  };

  static bool usable(const Connection& connection) { return connection.connected() && !connection.goaway(); }
  Connection& of(Stream stream) const { return *turns_.at(stream).connection; }
  const std::shared_ptr<Connection>& current_connection();
  static void look(Turn& turn);

  Front& front_;
  std::function<void()> turn_;
  std::vector<std::shared_ptr<Connection>> connections_;
  std::deque<Turn> turns_;
};

}  // namespace gatehouse::flow
