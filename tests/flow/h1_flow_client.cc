#include "tests/flow/h1_flow_client.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "tests/flow/front.h"

namespace gatehouse::flow {

namespace {

Fields in_lower_case(const FieldList& list) {
  Fields fields;
  for (const Field field : list) {
    std::string name(field.name);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    fields.emplace_back(std::move(name), field.value);
  }
  return fields;
}

std::string hexadecimal(std::size_t value) {
  std::array<char, 16> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr};
}

}  // namespace

std::size_t H1FlowClient::free_connection() {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    if (usable(connections_[i])) return i;
  }
  connections_.emplace_back().stream = front_.connect(Protocol::kH1);
  return connections_.size() - 1;
}

FlowClient::Stream H1FlowClient::begin(const Request& request) {
  const Stream stream = turns_.size();
  turns_.push_back(
      {.response = {}, .connection = free_connection(), .chunked = request.body.kind == BodyLength::Kind::kUnknown});
  Connection& c = connection(stream);
  c.current = stream;
  c.parser.expect_response_to(request.method);
  std::string head = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + request.authority + "\r\n";
  for (const auto& [name, value] : request.fields) head.append(name).append(": ").append(value).append("\r\n");
  if (!find(request.fields, "te").empty()) head += "Connection: TE\r\n";
  if (!request.upgrade.empty()) {
    head.append("Connection: Upgrade\r\nUpgrade: ").append(request.upgrade).append("\r\n");
    head.append("Sec-WebSocket-Key: ").append(kWebSocketKey).append("\r\nSec-WebSocket-Version: 13\r\n");
  }
  if (request.body.kind == BodyLength::Kind::kKnown) {
    head += "Content-Length: " + std::to_string(request.body.bytes) + "\r\n";
  } else if (turns_.back().chunked) {
    head += "Transfer-Encoding: chunked\r\n";
  }
  c.out.append(head + "\r\n");
  return stream;
}

void H1FlowClient::send(Stream stream, std::string_view body) {
  Buffer& out = connection(stream).out;
  if (!turns_.at(stream).chunked) return out.append(body);
  out.append(hexadecimal(body.size()) + "\r\n");
  out.append(body);
  out.append("\r\n");
}

void H1FlowClient::finish(Stream stream, const Fields& trailers) {
  if (turns_.at(stream).in_tunnel) {
    write(connection(stream));
    return connection(stream).stream->shutdown_write();
  }
  if (!turns_.at(stream).chunked) return;
  std::string last = "0\r\n";
  for (const auto& [name, value] : trailers) last.append(name).append(": ").append(value).append("\r\n");
  connection(stream).out.append(last + "\r\n");
}

void H1FlowClient::reset(Stream stream) {
  Connection& c = connection(stream);
  c.stream->abort_on_close();
  c.stream.reset();
}

void H1FlowClient::take(Stream stream, std::size_t bytes) {
  Connection& c = connection(stream);
  c.reading = false;
  if (bytes > 0 && !c.ended && c.stream->read(c.in, bytes).bytes > 0) parse(c);
}

void H1FlowClient::leave() {
  for (Connection& c : connections_) c.stream.reset();
}

bool H1FlowClient::step() {
  bool moved = false;
  for (Connection& c : connections_) {
    if (!c.stream) continue;
    moved = write(c) || moved;
    if (c.reading) moved = read(c) || moved;
  }
  return moved;
}

bool H1FlowClient::write(Connection& c) {
  return !c.out.empty() && (!c.ended || c.half_open) && c.stream->write(c.out).bytes > 0;
}

bool H1FlowClient::read(Connection& c) {
  bool moved = false;
  while (!c.ended) {
    const IoResult result = c.stream->read(c.in, kStreamRead);
    if (result.bytes > 0) {
      moved = true;
      parse(c);
    }
    if (result.status == IoStatus::kWouldBlock) break;
    if (result.status != IoStatus::kOk) on_stream_end(c, result.status);
  }
  return moved;
}

void H1FlowClient::take_tunnel(Connection& c) {
  c.in.for_each([&](std::string_view run) { turns_[c.current].response.body += run; });
  c.in.clear();
}

void H1FlowClient::parse(Connection& c) {
  if (c.current != kNobody && turns_[c.current].in_tunnel) return take_tunnel(c);
  while (c.current != kNobody || !c.in.empty()) {
    const H1Parser::Step step = c.parser.parse(c.in.front());
    // Bytes that answer no request: whatever they are, the connection is of no use.
    if (c.current == kNobody) c.keeps = false;
    if (step.event == H1Parser::Event::kHead) on_head(c);
    if (step.event == H1Parser::Event::kBody && c.current != kNobody) turns_[c.current].response.body += step.body;
    c.in.consume(step.consumed);
    if (c.current != kNobody && turns_[c.current].in_tunnel) return take_tunnel(c);
    if (step.event == H1Parser::Event::kFault) return end(c, End::kBroken);
    if (step.event == H1Parser::Event::kEnd && c.current != kNobody && turns_[c.current].response.status != 0) {
      turns_[c.current].response.trailers = in_lower_case(c.parser.take_trailers());
      end(c, End::kClean);
    }
    if (step.event == H1Parser::Event::kNeedMore && c.in.empty()) return;
  }
}

void H1FlowClient::on_head(Connection& c) {
  if (c.current == kNobody) return;
  Response& response = turns_[c.current].response;
  const bool keeps = c.parser.keep_alive();
  const ResponseHead head = c.parser.take_response();
  if (head.is_interim()) {
    response.interim.push_back(head.status);
    return;
  }
  c.keeps = keeps && !head.opens_tunnel();
  turns_[c.current].in_tunnel = head.opens_tunnel();
  response.status = head.status;
  response.reason = head.reason;
  response.fields = in_lower_case(head.fields);
  if (head.body.kind == BodyLength::Kind::kKnown) {
    response.fields.emplace_back("content-length", std::to_string(head.body.bytes));
  }
}

void H1FlowClient::on_stream_end(Connection& c, IoStatus status) {
  c.ended = true;
  if (c.current == kNobody) return;
  const bool in_tunnel = turns_[c.current].in_tunnel;
  c.half_open = in_tunnel && status == IoStatus::kEof;
  if (in_tunnel) return end(c, status == IoStatus::kEof ? End::kClean : End::kBroken);
  const bool complete = status == IoStatus::kEof && c.parser.finish().event == H1Parser::Event::kEnd;
  end(c, complete ? End::kClean : End::kBroken);
}

void H1FlowClient::end(Connection& c, End how) {
  if (c.current == kNobody) return;
  Response& response = turns_[c.current].response;
  response.end = how;
  // RFC 9112 section 9.6: who is told that the connection closes need not send the rest.
  response.stopped = how == End::kClean && !c.keeps && !c.out.empty();
  c.current = kNobody;
  if (how == End::kBroken) c.keeps = false;
}

}  // namespace gatehouse::flow
