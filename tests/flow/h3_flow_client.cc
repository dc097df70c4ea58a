#include "tests/flow/h3_flow_client.h"

#include <gtest/gtest.h>

#include "tests/flow/front.h"

namespace gatehouse::flow {

namespace {

using H3Client = testing_support::H3Client;

constexpr std::uint64_t kRequestCancelled = 0x10c;
constexpr int kHandshakeTurns = 2000;

}  // namespace

const std::shared_ptr<H3Client>& H3FlowClient::current_connection() {
  if (!connections_.empty() && usable(*connections_.back())) return connections_.back();
  connections_.push_back(front_.connect_quic());
  for (int i = 0; i < kHandshakeTurns && !connections_.back()->connected(); ++i) turn_();
  EXPECT_TRUE(connections_.back()->connected());
  return connections_.back();
}

FlowClient::Stream H3FlowClient::begin(const Request& request) {
  Fields head = {
      {":method", request.method}, {":scheme", "https"}, {":authority", request.authority}, {":path", request.target}};
  if (!request.upgrade.empty()) {
    head.front().second = "CONNECT";
    head.insert(head.begin() + 1, {":protocol", request.upgrade});
    head.emplace_back("sec-websocket-version", "13");
  }
  head.insert(head.end(), request.fields.begin(), request.fields.end());
  if (request.body.kind == BodyLength::Kind::kKnown) {
    head.emplace_back("content-length", std::to_string(request.body.bytes));
  }
  const bool has_body = request.body.kind != BodyLength::Kind::kNone || !request.upgrade.empty();
  const auto& connection = current_connection();
  const std::int64_t id = connection->begin(head, has_body ? H3Client::End::kNo : H3Client::End::kYes);
  EXPECT_GE(id, 0);
  turns_.push_back({.connection = connection, .id = id, .response = {}});
  return turns_.size() - 1;
}

void H3FlowClient::send(Stream stream, std::string_view body) {
  of(stream).send(turns_[stream].id, body, H3Client::End::kNo);
}

void H3FlowClient::finish(Stream stream, const Fields& trailers) {
  if (trailers.empty()) {
    of(stream).send(turns_[stream].id, "", H3Client::End::kYes);
  } else {
    of(stream).send_trailers(turns_[stream].id, trailers);
  }
}

void H3FlowClient::reset(Stream stream) {
  of(stream).reset(turns_[stream].id, kRequestCancelled);
  of(stream).stop(turns_[stream].id, kRequestCancelled);
}

void H3FlowClient::leave() {
  for (const auto& connection : connections_) {
    if (!connection->closed()) connection->close();
  }
}

bool H3FlowClient::step() {
  bool moved = false;
  for (const auto& connection : connections_) moved = connection->step() || moved;
  for (Turn& turn : turns_) look(turn);
  return moved;
}

// Copies what is new.
void H3FlowClient::look(Turn& turn) {
  const H3Client::Response& seen = turn.connection->response(turn.id);
  Response& response = turn.response;
  response.body.append(seen.body, response.body.size());
  if (response.end != End::kNone) return;
  response.interim = seen.interim;
  response.status = seen.status;
  response.fields = seen.fields;
  response.trailers = seen.trailers;
  response.stopped = seen.stopped;
  if (seen.reset) {
    response.end = End::kBroken;
    response.code = *seen.reset;
  } else if (seen.ended) {
    response.end = End::kClean;
  } else if (turn.connection->closed() || seen.closed) {
    response.end = End::kBroken;
    response.code = turn.connection->closed() ? turn.connection->closed()->code : seen.close_code;
  }
}

}  // namespace gatehouse::flow
