#include "tests/support/h1_oracle.h"

#include <utility>

#include "proxy/http/char_classes.h"
#include "proxy/http/framing.h"

namespace gatehouse::testing {

namespace {

using Event = H1Parser::Event;
using Outcome = H1OracleLlhttp::Outcome;

constexpr std::size_t kLongestMethod = 32;
constexpr std::string_view kMostEmptyLines = "\r\n\r\n";

}  // namespace

H1Oracle::H1Oracle(H1Parser::Kind kind, const HeadLimits& limits, Tolerance tolerance)
    : kind_(kind),
      limits_(limits),
      llhttp_(kind == H1Parser::Kind::kRequest ? H1OracleLlhttp::Kind::kRequest : H1OracleLlhttp::Kind::kResponse,
              limits.of_head()),
      repair_(tolerance == Tolerance::kLenient ? std::make_unique<H1Repair>() : nullptr) {}

H1Parser::Step H1Oracle::parse(std::string_view input) {
  std::string_view rest = input;
  Event event = Event::kNeedMore;
  if (phase_ == Phase::kBetween) event = skip_empty_lines(rest);
  if (event == Event::kNeedMore && phase_ == Phase::kMethod) event = read_method(rest);
  if (event == Event::kNeedMore && phase_ == Phase::kHead) event = read_head(rest);
  return {.event = event, .consumed = input.size() - rest.size()};
}

Event H1Oracle::fail(Fault why) {
  phase_ = Phase::kOver;
  fault_ = why;
  return Event::kFault;
}

Event H1Oracle::skip_empty_lines(std::string_view& input) {
  while (is_request() && !input.empty() && empty_line_bytes_ < kMostEmptyLines.size()) {
    const char expected = kMostEmptyLines[empty_line_bytes_];
    if (input.front() != expected) {
      if (expected == '\n') return fail(malformed());
      break;
    }
    ++empty_line_bytes_;
    input.remove_prefix(1);
  }
  if (input.empty()) return Event::kNeedMore;
  llhttp_.begin();
  if (is_request()) {
    phase_ = Phase::kMethod;
  } else {
    begin_lines(H1OracleLines::First::kStatusLine);
  }
  return Event::kNeedMore;
}

void H1Oracle::begin_lines(H1OracleLines::First first) {
  phase_ = Phase::kHead;
  if (repair_) repair_->begin();
  lines_.begin(first, {.max_bytes = limits_.max_header_bytes, .max_target = limits_.max_target_bytes},
               {.malformed = malformed(), .too_large = too_large()});
}

Event H1Oracle::read_method(std::string_view& input) {
  while (!input.empty()) {
    const char c = input.front();
    if (c == ' ' && !method_.empty()) {
      if (method_ == "PRI") return fail(malformed());
      input.remove_prefix(1);
      begin_lines(H1OracleLines::First::kTargetAndVersion);
      llhttp_.begin_request(method_ == "CONNECT");
      return Event::kNeedMore;
    }
    if (!char_classes::in(char_classes::kToken, c) || method_.size() == kLongestMethod) return fail(malformed());
    method_ += c;
    input.remove_prefix(1);
  }
  return Event::kNeedMore;
}

Event H1Oracle::read_head(std::string_view& input) {
  if (input.empty()) return Event::kNeedMore;
  const H1Repair::Step piece = repair_ ? repair_->mend(input) : H1Repair::Step{.text = input};
  const H1OracleLines::Scan scan = lines_.scan(piece.text);
  // What stands before the place of the fault may be at fault itself, and comes first.
  const Outcome outcome = scan.good == 0 ? Outcome::kMore : llhttp_.feed(piece.text.substr(0, scan.good));
  if (outcome == Outcome::kBadVersion && is_request()) return fail(Fault::kVersionNotSupported);
  if (outcome == Outcome::kBadVersion || outcome == Outcome::kBad) return fail(malformed());
  if (outcome == Outcome::kTooLarge) return fail(too_large());
  if (scan.fault) return fail(*scan.fault);
  // Two readers that see different ends of a head are what request smuggling is made of.
  if (scan.done != (outcome == Outcome::kComplete)) return fail(malformed());
  input.remove_prefix(repair_ ? piece.consumed : scan.good);
  return scan.done ? end_head() : Event::kNeedMore;
}

Event H1Oracle::end_head() {
  const FieldList& fields = llhttp_.fields();
  const int minor = llhttp_.minor_version();
  if (minor != 0 && minor != 1) return fail(is_request() ? Fault::kVersionNotSupported : malformed());
  const auto length = framing::body_length(fields, minor == 0 ? Protocol::kH10 : Protocol::kH1, malformed());
  if (!length) return fail(is_request() ? length.error() : malformed());
  const bool chunked = length->kind == BodyLength::Kind::kUnknown;
  if (!llhttp_.agrees(chunked, length->kind == BodyLength::Kind::kKnown)) return fail(malformed());
  for (const Field field : fields) {
    if (framing::is_disguised(field)) return fail(malformed());
  }
  if (!is_request() && (llhttp_.status() < 100 || llhttp_.status() > 999)) return fail(malformed());
  if (!is_request() && llhttp_.status() < 200 && !length->is_empty()) return fail(malformed());
  body_ = *length;
  phase_ = Phase::kOver;
  return Event::kHead;
}

RawRequest H1Oracle::take_request() {
  return {.protocol = llhttp_.minor_version() == 0 ? Protocol::kH10 : Protocol::kH1,
          .method = std::exchange(method_, {}),
          .target = std::exchange(llhttp_.target(), {}),
          .fields = llhttp_.take_fields()};
}

ResponseHead H1Oracle::take_response() {
  ResponseHead response{.status = static_cast<std::uint16_t>(llhttp_.status()),
                        .reason = std::string(llhttp_.reason()),
                        .fields = llhttp_.take_fields(),
                        .body = body_};
  response.fields.remove_any(FieldName::kContentLength, FieldName::kTransferEncoding);
  return response;
}

}  // namespace gatehouse::testing
