#include "proxy/upstream/answer_reader.h"

#include <algorithm>

#include "proxy/http/field_rules.h"

namespace gatehouse {

namespace {

constexpr HeadLimits kAnswerLimits{.max_header_bytes = 64UL * 1024, .max_header_count = 200};
constexpr int kMaxInterims = 8;
// One read; less than the least is not worth a system call, and what it brings too much the pipe can bear.
constexpr std::size_t kLeastRead = 4UL * 1024;
constexpr std::size_t kMostRead = 64UL * 1024;

}  // namespace

AnswerReader::AnswerReader() : parser_(H1Parser::Kind::kResponse, kAnswerLimits) {}

void AnswerReader::begin(std::string_view method, BodyPipe& answer, Waker& waker) {
  method_ = method;
  parser_.expect_response_to(method_);
  answer_ = &answer.writer();
  answer_->set_waker(&waker);
  received_ = 0;
  interims_ = 0;
  head_seen_ = false;
  in_interim_ = false;
  keep_alive_ = false;
  waits_for_room_ = false;
}

AnswerReader::Event AnswerReader::read(ByteStream& stream) {
  for (;;) {
    // The exchange has ended otherwise.
    if (answer_->ended() || answer_->abandoned()) return fail(Fault::kClientGone);
    if (const std::optional<Event> event = parse()) return *event;
    const std::size_t room = head_seen_ ? answer_->room() : kMostRead;
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

void AnswerReader::stop() {
  if (answer_ != nullptr) answer_->set_waker(nullptr);
  answer_ = nullptr;
}

bool AnswerReader::reusable(ByteStream& stream) {
  if (!keep_alive_ || !input_.empty() || !parser_.idle()) return false;
  return stream.read(input_, kLeastRead).status == IoStatus::kWouldBlock;
}

// All that has been read, and then once more: the end of an answer may need no bytes.
std::optional<AnswerReader::Event> AnswerReader::parse() {
  for (;;) {
    const std::string_view run = input_.front();
    const H1Parser::Step step = parser_.parse(run);
    std::optional<Event> event;
    switch (step.event) {
      case H1Parser::Event::kNeedMore:
        input_.consume(step.consumed);
        if (input_.empty()) return {};
        break;
      case H1Parser::Event::kBody:
        take_body(run, step);
        break;
      case H1Parser::Event::kHead:
        input_.consume(step.consumed);
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

std::optional<AnswerReader::Event> AnswerReader::on_parsed_head() {
  head_ = parser_.take_response();
  if (!head_.is_interim()) {
    head_seen_ = true;
    keep_alive_ = parser_.keep_alive() && !parser_.body_until_close();
    return Event::kHead;
  }
  // Nobody has asked for another protocol (RFC 9110 section 15.2.2).
  if (head_.status == 101 || ++interims_ > kMaxInterims) return fail(Fault::kUpstreamInvalid);
  in_interim_ = true;
  if (head_.status == 103) return Event::kInterim;
  return {};
}

std::optional<AnswerReader::Event> AnswerReader::on_parsed_end() {
  if (!in_interim_) return finish();
  in_interim_ = false;
  parser_.expect_response_to(method_);
  return {};
}

// The bytes stay where the socket put them; only the framing around them goes.
void AnswerReader::take_body(std::string_view run, const H1Parser::Step& step) {
  const auto before = static_cast<std::size_t>(step.body.data() - run.data());
  input_.consume(before);
  answer_->write(input_.split(step.body.size()));
  input_.consume(step.consumed - before - step.body.size());
}

AnswerReader::Event AnswerReader::on_stream_end(bool clean) {
  keep_alive_ = false;
  if (clean && parser_.finish().event == H1Parser::Event::kEnd && head_seen_) return finish();
  if (head_seen_) return fail(Fault::kUpstreamTruncated);
  return fail(clean ? Fault::kUpstreamClosed : Fault::kUpstreamReset);
}

AnswerReader::Event AnswerReader::finish() {
  answer_->finish(field_rules::check_response_trailers(parser_.take_trailers()));
  stop();
  return Event::kEnd;
}

AnswerReader::Event AnswerReader::fail(Fault fault) {
  fault_ = fault;
  stop();
  return Event::kFault;
}

}  // namespace gatehouse
