#include "proxy/upstream/response_reader.h"

#include <algorithm>
#include <utility>

#include "common/text.h"
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

void ResponseReader::begin(const Question& question, BodyPipe& response, Waker& waker) {
  asked_.method = question.method;
  asked_.tolerance = question.tolerance;
  tunnel_ = question.may_open_tunnel ? Tunnel::kAwaited : Tunnel::kNone;
  parser_.expect_response_to(asked_.method, asked_.tolerance);
  response_ = &response.writer();
  response_->set_waker(&waker);
  ending_.reset_said.clear();
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

void ResponseReader::divert(BodyPipe& response, Waker& waker) {
  response_->set_waker(nullptr);
  response_ = &response.writer();
  response_->set_waker(&waker);
}

void ResponseReader::stop() {
  if (response_ != nullptr) response_->set_waker(nullptr);
  response_ = nullptr;
}

bool ResponseReader::drop_body() {
  stop();
  for (;;) {
    const H1Parser::Step step = parser_.parse(input_.front());
    input_.consume(step.consumed);
    if (step.event == H1Parser::Event::kEnd) return true;
    const bool goes_on = step.event == H1Parser::Event::kBody || step.event == H1Parser::Event::kNeedMore;
    if (!goes_on || (step.event == H1Parser::Event::kNeedMore && input_.empty())) return false;
  }
}

bool ResponseReader::reusable(ByteStream& stream) {
  if (!keep_alive_ || !input_.empty() || !parser_.idle() || repairs().any()) return false;
  return stream.read(input_, kLeastRead).status == IoStatus::kWouldBlock;
}

// All that has been read, and then once more: the end of an answer may need no bytes.
std::optional<ResponseReader::Event> ResponseReader::parse() {
  if (tunnel_ == Tunnel::kOpen) {
    take_tunnel();
    return {};
  }
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
        if (response_->ended()) return fail(Fault::kClientGone);
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
  // Where nobody has asked for another protocol it is no answer (RFC 9110 section 15.2.2).
  if (head_.opens_tunnel() && tunnel_ != Tunnel::kAwaited) return fail(Fault::kUpstreamInvalid);
  if (!head_.is_interim()) {
    head_seen_ = true;
    tunnel_ = head_.opens_tunnel() ? Tunnel::kOpen : Tunnel::kNone;
    keep_alive_ = parser_.keep_alive() && !parser_.body_until_close() && !head_.opens_tunnel();
    return Event::kHead;
  }
  // Apps report progress with them: more than a client needs to know are no fault, but bounded work.
  if (interims_.bytes > kMostInterimBytes) return fail(Fault::kUpstreamHeadersTooLarge);
  interims_.in_one = true;
  return is_told() ? std::optional(Event::kInterim) : std::nullopt;
}

// Counts the interim answer that has come.
bool ResponseReader::is_told() {
  if (head_.status == 100) return !std::exchange(interims_.told_continue, true);
  if (interims_.told == kMostInterims) return false;
  ++interims_.told;
  return true;
}

void ResponseReader::consume(std::size_t bytes) {
  if (!head_seen_) interims_.bytes += bytes;
  input_.consume(bytes);
}

std::optional<ResponseReader::Event> ResponseReader::on_parsed_end() {
  if (!interims_.in_one) return finish();
  interims_.in_one = false;
  parser_.expect_response_to(asked_.method, asked_.tolerance);
  return {};
}

// The bytes stay where the socket put them; only the framing around them goes.
void ResponseReader::take_body(std::string_view run, const H1Parser::Step& step) {
  const auto before = static_cast<std::size_t>(step.body.data() - run.data());
  input_.consume(before);
  response_->write(input_.split(step.body.size()));
  input_.consume(step.consumed - before - step.body.size());
}

void ResponseReader::take_tunnel() {
  if (!input_.empty()) response_->write(std::move(input_));
  input_.clear();
}

ResponseReader::Event ResponseReader::on_stream_end(bool clean) {
  keep_alive_ = false;
  if (clean && in_tunnel()) return finish();
  if (clean && parser_.finish().event == H1Parser::Event::kEnd && head_seen_) return finish();
  if (head_seen_) return fail(Fault::kUpstreamTruncated);
  return fail(clean ? Fault::kUpstreamClosed : Fault::kUpstreamReset);
}

ResponseReader::Event ResponseReader::finish() {
  FieldList trailers = parser_.take_trailers();
  if (trailers.may_have(FieldName::kXResetCode)) note_reset(trailers);
  response_->finish(field_rules::check_response_trailers(std::move(trailers)));
  stop();
  return Event::kEnd;
}

void ResponseReader::note_reset(const FieldList& trailers) {
  for (const Field field : trailers) {
    if (field.id == FieldName::kXResetCode) text::add_to_list(ending_.reset_said, field.value);
  }
}

ResponseReader::Event ResponseReader::fail(Fault fault) {
  ending_.fault = fault;
  stop();
  return Event::kFault;
}

}  // namespace gatehouse
