#include "proxy/upstream/response_reader.h"

#include <algorithm>

#include "proxy/http/field_rules.h"

namespace gatehouse {

namespace {

constexpr HeadLimits kResponseLimits{.max_header_bytes = 64UL * 1024, .max_header_count = 200};
constexpr int kMostInterims = 8;
constexpr std::size_t kMostInterimBytes = 64UL * 1024;
// One read; less than the least is not worth a system call, and what it brings too much the pipe can bear.
constexpr std::size_t kLeastRead = 4UL * 1024;
constexpr std::size_t kMostRead = 64UL * 1024;

}  // namespace

ResponseReader::ResponseReader() : parser_(H1Parser::Kind::kResponse, kResponseLimits) {}

void ResponseReader::begin(std::string_view method, BodyPipe& response, Waker& waker) {
  method_ = method;
  parser_.expect_response_to(method_);
  response_ = &response.writer();
  response_->set_waker(&waker);
  received_ = 0;
  interims_ = {};
  head_seen_ = false;
  keep_alive_ = false;
  waits_for_room_ = false;
}

ResponseReader::Event ResponseReader::read(ByteStream& stream) {
  for (;;) {
    // The exchange has ended otherwise.
    if (response_->ended() || response_->abandoned()) return fail(Fault::kClientGone);
    if (const std::optional<Event> event = parse()) return *event;
    const std::size_t room = head_seen_ ? response_->room() : kMostRead;
    waits_for_room_ = room == 0;
    if (waits_for_room_) return Event::kNoRoom;
    const IoResult result = stream.read(input_, std::clamp(room, kLeastRead, kMostRead));
    received_ += result.bytes;
    if (result.bytes > 0) continue;
    switch (result.status) {
      case IoStatus::kOk:
        break;
      case IoStatus::kWouldBlock:
        return Event::kWaiting;
      case IoStatus::kEof:
        return on_stream_end(true);
      case IoStatus::kBroken:
        return on_stream_end(false);
    }
  }
}

void ResponseReader::stop() {
  if (response_ != nullptr) response_->set_waker(nullptr);
  response_ = nullptr;
}

bool ResponseReader::reusable(ByteStream& stream) {
  if (!keep_alive_ || !input_.empty() || !parser_.idle()) return false;
  return stream.read(input_, kLeastRead).status == IoStatus::kWouldBlock;
}

// All that has been read, and then once more: the end of an answer may need no bytes.
std::optional<ResponseReader::Event> ResponseReader::parse() {
  for (;;) {
    const std::string_view run = input_.front();
    const H1Parser::Step step = parser_.parse(run);
    std::optional<Event> event;
    switch (step.event) {
      case H1Parser::Event::kNeedMore:
        consume(step.consumed);
        if (input_.empty()) return {};
        break;
      case H1Parser::Event::kBody:
        take_body(run, step);
        break;
      case H1Parser::Event::kHead:
        consume(step.consumed);
        event = on_parsed_head();
        break;
      case H1Parser::Event::kEnd:
        input_.consume(step.consumed);
        event = on_parsed_end();
        break;
      case H1Parser::Event::kFault:
        return fail(parser_.fault() == Fault::kUpstreamHeadersTooLarge ? Fault::kUpstreamHeadersTooLarge
                                                                       : Fault::kUpstreamInvalid);
    }
    if (event) return event;
  }
}

std::optional<ResponseReader::Event> ResponseReader::on_parsed_head() {
  head_ = parser_.take_response();
  if (!head_.is_interim()) {
    head_seen_ = true;
    keep_alive_ = parser_.keep_alive() && !parser_.body_until_close();
    return Event::kHead;
  }
  // Nobody has asked for another protocol (RFC 9110 section 15.2.2).
  if (head_.status == 101) return fail(Fault::kUpstreamInvalid);
  // Apps report progress with them: more than a client needs to know are no fault, but bounded work.
  if (interims_.bytes > kMostInterimBytes) return fail(Fault::kUpstreamHeadersTooLarge);
  interims_.in_one = true;
  if (head_.status != 103 || interims_.told == kMostInterims) return {};
  ++interims_.told;
  return Event::kInterim;
}

void ResponseReader::consume(std::size_t bytes) {
  if (!head_seen_) interims_.bytes += bytes;
  input_.consume(bytes);
}

std::optional<ResponseReader::Event> ResponseReader::on_parsed_end() {
  if (!interims_.in_one) return finish();
  interims_.in_one = false;
  parser_.expect_response_to(method_);
  return {};
}

// The bytes stay where the socket put them; only the framing around them goes.
void ResponseReader::take_body(std::string_view run, const H1Parser::Step& step) {
  const auto before = static_cast<std::size_t>(step.body.data() - run.data());
  input_.consume(before);
  response_->write(input_.split(step.body.size()));
  input_.consume(step.consumed - before - step.body.size());
}

ResponseReader::Event ResponseReader::on_stream_end(bool clean) {
  keep_alive_ = false;
  if (clean && parser_.finish().event == H1Parser::Event::kEnd && head_seen_) return finish();
  if (head_seen_) return fail(Fault::kUpstreamTruncated);
  return fail(clean ? Fault::kUpstreamClosed : Fault::kUpstreamReset);
}

ResponseReader::Event ResponseReader::finish() {
  response_->finish(field_rules::check_response_trailers(parser_.take_trailers()));
  stop();
  return Event::kEnd;
}

ResponseReader::Event ResponseReader::fail(Fault fault) {
  fault_ = fault;
  stop();
  return Event::kFault;
}

}  // namespace gatehouse
