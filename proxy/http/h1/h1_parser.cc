#include "proxy/http/h1/h1_parser.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/text.h"
#include "proxy/http/framing.h"
#include "proxy/http/h1/h1_chunks.h"
#include "proxy/http/h1/h1_fields.h"
#include "proxy/http/h1/h1_head.h"
#include "proxy/http/h1/h1_repair.h"

namespace gatehouse {

namespace {

//  kBetween -> kHead -> kFixed | kUntilClose | kChunks -> kTrailers -> kEnding -> kBetween
//   (without a body kHead leads to kEnding; any of them may lead to kFaulted)
enum class Phase : std::uint8_t { kBetween, kHead, kFixed, kUntilClose, kChunks, kTrailers, kEnding, kFaulted };

// RFC 9112 section 2.2 asks for one to be forgiven; some clients send two.
constexpr std::string_view kMostEmptyLines = "\r\n\r\n";

// Connection: close and keep-alive, over all fields of that name.
bool wants_keep_alive(const FieldList& fields, int minor_version) {
  if (!fields.may_have(FieldName::kConnection)) return minor_version >= 1;
  bool close = false;
  bool keep = false;
  for (const Field field : fields) {
    if (field.id != FieldName::kConnection) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      const std::size_t comma = rest.find(',');
      const std::string_view option = text::trim(rest.substr(0, comma));
      close = close || text::iequals(option, "close");
      keep = keep || text::iequals(option, "keep-alive");
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
  }
  return !close && (minor_version >= 1 || keep);
}

}  // namespace

struct H1Parser::State {
  State(Kind of, const HeadLimits& limits)
      : kind(of),
        head(of == Kind::kRequest ? H1Head::Kind::kRequest : H1Head::Kind::kResponse, limits),
        trailers(limits.of_trailers()) {}

  Step advance(std::string_view input);
  Step begin_message(std::string_view input);
  Step read_head(std::string_view input);
  Step end_head(std::size_t consumed);
  Step read_fixed(std::string_view input);
  Step read_chunks(std::string_view input);
  Step read_trailers(std::string_view input);
  void begin_body(const BodyLength& length);
  Step fail(Fault why);
  Fault fault_of_head(H1Outcome outcome) const;
  bool is_request() const { return kind == Kind::kRequest; }
  Fault malformed() const { return is_request() ? Fault::kMalformedRequest : Fault::kUpstreamInvalid; }
  Fault too_large() const { return is_request() ? Fault::kHeadersTooLarge : Fault::kUpstreamHeadersTooLarge; }
  Fault bad_body() const { return is_request() ? Fault::kRequestBodyInvalid : Fault::kUpstreamInvalid; }

  const Kind kind;
  Phase phase = Phase::kBetween;
  std::size_t empty_line_bytes = 0;
  struct {
    bool keep_alive = false;
    bool until_close = false;
    bool for_head_request = false;
    Fault fault = Fault::kInternalError;
    BodyLength body;
    std::uint64_t left = 0;  // of a body of known length
  } facts;
  H1Head head;
  H1Chunks chunks;
  // For lenient upstreams only.
  std::unique_ptr<H1Repair> repair;
  H1Fields trailers;
};

H1Parser::H1Parser(Kind kind, const HeadLimits& limits) : state_(std::make_unique<State>(kind, limits)) {}
H1Parser::~H1Parser() = default;
H1Parser::H1Parser(H1Parser&&) noexcept = default;
H1Parser& H1Parser::operator=(H1Parser&&) noexcept = default;

// Goes on to the next phase within one call only where there is no event between the two.
H1Parser::Step H1Parser::parse(std::string_view input) {
  std::size_t consumed = 0;
  for (;;) {
    const Phase before = state_->phase;
    Step step = state_->advance(input.substr(consumed));
    consumed += step.consumed;
    if (step.event == Event::kNeedMore && state_->phase != before) continue;
    step.consumed = consumed;
    return step;
  }
}

H1Parser::Step H1Parser::State::advance(std::string_view input) {
  switch (phase) {
    case Phase::kBetween:
      return begin_message(input);
    case Phase::kHead:
      return read_head(input);
    case Phase::kFixed:
      return read_fixed(input);
    case Phase::kUntilClose:
      if (input.empty()) return {};
      return {.event = Event::kBody, .consumed = input.size(), .body = input};
    case Phase::kChunks:
      return read_chunks(input);
    case Phase::kTrailers:
      return read_trailers(input);
    case Phase::kEnding:
      phase = Phase::kBetween;
      return {.event = Event::kEnd};
    case Phase::kFaulted:
      break;
  }
  return {.event = Event::kFault};
}

H1Parser::Step H1Parser::State::fail(Fault why) {
  phase = Phase::kFaulted;
  facts.fault = why;
  return {.event = Event::kFault};
}

H1Parser::Step H1Parser::State::begin_message(std::string_view input) {
  std::size_t skipped = 0;
  while (is_request() && skipped < input.size() && empty_line_bytes < kMostEmptyLines.size()) {
    const char expected = kMostEmptyLines[empty_line_bytes];
    if (input[skipped] != expected) {
      if (expected == '\n') return fail(malformed());
      break;
    }
    ++empty_line_bytes;
    ++skipped;
  }
  if (skipped == input.size()) return {.consumed = skipped};
  empty_line_bytes = 0;
  facts.keep_alive = false;
  facts.until_close = false;
  trailers.begin();
  head.begin();
  if (repair) repair->begin();
  phase = Phase::kHead;
  return {.consumed = skipped};
}

H1Parser::Step H1Parser::State::read_head(std::string_view input) {
  if (input.empty()) return {};
  const H1Repair::Step piece = repair ? repair->mend(input) : H1Repair::Step{.text = input};
  const H1Read read = head.read(piece.text);
  const std::size_t consumed = repair ? piece.consumed : read.consumed;
  if (read.outcome == H1Outcome::kMore) return {.consumed = consumed};
  if (read.outcome != H1Outcome::kComplete) return fail(fault_of_head(read.outcome));
  return end_head(consumed);
}

Fault H1Parser::State::fault_of_head(H1Outcome outcome) const {
  if (outcome == H1Outcome::kTargetTooLong) return Fault::kTargetTooLong;
  if (outcome == H1Outcome::kTooLarge) return too_large();
  return outcome == H1Outcome::kUnknownVersion && is_request() ? Fault::kVersionNotSupported : malformed();
}

H1Parser::Step H1Parser::State::end_head(std::size_t consumed) {
  const FieldList& fields = head.fields().fields();
  const int minor = head.minor_version();
  if (minor != 0 && minor != 1) return fail(is_request() ? Fault::kVersionNotSupported : malformed());
  const auto length = framing::body_length(fields, minor == 0 ? Protocol::kH10 : Protocol::kH1, malformed());
  if (!length) return fail(is_request() ? length.error() : malformed());
  // Two readers that see different ends of a message are what request smuggling is made of.
  if (length->kind == BodyLength::Kind::kUnknown && !head.fields().chunked()) return fail(malformed());
  for (const Field field : fields) {
    if (framing::is_disguised(field)) return fail(malformed());
  }
  if (!is_request()) {
    const int status = head.status_line().status();
    // The final answer would begin where other readers see a body (RFC 9110 section 8.6).
    if (status < 100 || (status < 200 && !length->is_empty())) return fail(malformed());
  }
  facts.keep_alive = wants_keep_alive(fields, minor);
  begin_body(*length);
  return {.event = Event::kHead, .consumed = consumed};
}

// RFC 9112 section 6.3
void H1Parser::State::begin_body(const BodyLength& length) {
  facts.body = length;
  phase = Phase::kEnding;
  if (!is_request()) {
    const auto status = static_cast<std::uint16_t>(head.status_line().status());
    const bool has_body = may_have_body(facts.for_head_request ? "HEAD" : "GET", status);
    if (status < 200 || status == 204) {
      // Some readers would believe the length, so nothing may follow on this connection.
      if (!length.is_empty()) facts.keep_alive = false;
      facts.body = BodyLength::none();
    }
    if (!has_body) return;
    if (length.kind == BodyLength::Kind::kNone) {
      facts.body = BodyLength::unknown();
      facts.until_close = true;
      facts.keep_alive = false;
      phase = Phase::kUntilClose;
      return;
    }
  }
  if (length.kind == BodyLength::Kind::kUnknown) {
    chunks.begin(repair ? Tolerance::kLenient : Tolerance::kStrict);
    phase = Phase::kChunks;
  } else if (!length.is_empty()) {
    facts.left = length.bytes;
    phase = Phase::kFixed;
  }
}

H1Parser::Step H1Parser::State::read_fixed(std::string_view input) {
  if (input.empty()) return {};
  const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(facts.left, input.size()));
  facts.left -= count;
  if (facts.left == 0) phase = Phase::kEnding;
  return {.event = Event::kBody, .consumed = count, .body = input.substr(0, count)};
}

H1Parser::Step H1Parser::State::read_chunks(std::string_view input) {
  const H1Chunks::Step step = chunks.decode(input);
  switch (step.outcome) {
    case H1Chunks::Outcome::kBad:
      return fail(bad_body());
    case H1Chunks::Outcome::kData:
      return {.event = Event::kBody, .consumed = step.consumed, .body = step.data};
    case H1Chunks::Outcome::kLastChunk:
      phase = Phase::kTrailers;
      break;
    case H1Chunks::Outcome::kMore:
      break;
  }
  return {.consumed = step.consumed};
}

H1Parser::Step H1Parser::State::read_trailers(std::string_view input) {
  const H1Read read = trailers.read(input);
  if (read.outcome == H1Outcome::kMore) return {.consumed = read.consumed};
  if (read.outcome != H1Outcome::kComplete) return fail(bad_body());
  phase = Phase::kEnding;
  return {.consumed = read.consumed};
}

H1Parser::Step H1Parser::finish() {
  State& s = *state_;
  switch (s.phase) {
    case Phase::kBetween:
      return {};
    case Phase::kEnding:
    case Phase::kUntilClose:
      s.phase = Phase::kBetween;
      return {.event = Event::kEnd};
    case Phase::kFaulted:
      return {.event = Event::kFault};
    case Phase::kHead:
      return s.fail(s.is_request() ? Fault::kClientGone : Fault::kUpstreamClosed);
    default:
      return s.fail(s.is_request() ? Fault::kClientGone : Fault::kUpstreamTruncated);
  }
}

RawRequest H1Parser::take_request() {
  assert(state_->is_request());
  H1Head& head = state_->head;
  return {.protocol = head.minor_version() == 0 ? Protocol::kH10 : Protocol::kH1,
          .method = std::exchange(head.request_line().method(), {}),
          .target = std::exchange(head.request_line().target(), {}),
          .fields = head.fields().take()};
}

ResponseHead H1Parser::take_response() {
  assert(!state_->is_request());
  H1Head& head = state_->head;
  ResponseHead response{.status = static_cast<std::uint16_t>(head.status_line().status()),
                        .reason = std::exchange(head.status_line().reason(), {}),
                        .fields = head.fields().take(),
                        .body = state_->facts.body};
  response.fields.remove_any(FieldName::kContentLength, FieldName::kTransferEncoding);
  return response;
}

void H1Parser::expect_response_to(std::string_view method, Tolerance tolerance) {
  state_->facts.for_head_request = method == "HEAD";
  const bool lenient = tolerance == Tolerance::kLenient;
  if (lenient == (state_->repair != nullptr)) return;
  state_->repair = lenient ? std::make_unique<H1Repair>() : nullptr;
}
Repairs H1Parser::repairs() const {
  if (!state_->repair) return {};
  Repairs made = state_->repair->made();
  if (state_->chunks.skipped_blanks()) made.set(static_cast<std::size_t>(Repair::kChunkSize));
  return made;
}
bool H1Parser::body_until_close() const {
  return state_->facts.until_close;
}
bool H1Parser::keep_alive() const {
  return state_->facts.keep_alive;
}
FieldList H1Parser::take_trailers() {
  return state_->trailers.take();
}
Fault H1Parser::fault() const {
  return state_->facts.fault;
}
bool H1Parser::in_head() const {
  return state_->phase == Phase::kHead;
}
bool H1Parser::idle() const {
  return state_->phase == Phase::kBetween;
}

}  // namespace gatehouse
