#include "proxy/http/filters/grpc_web_response.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "proxy/http/field_rules.h"
#include "proxy/http/grpc.h"
#include "proxy/http/h1/h1_parser.h"
#include "proxy/http/limits.h"

namespace gatehouse {

namespace {

constexpr std::uint8_t kLengthBytes = 4;
constexpr char kPlain = '\x00';
constexpr char kCompressed = '\x01';
constexpr char kTrailersFlag = '\x80';
constexpr HeadLimits kLimits;

// What the reader of every other answer's trailers makes of the lines (the last one may lack its end); nothing if they
// are no trailers, or have an end among them.
std::optional<FieldList> parse(std::string block) {
  if (!block.empty() && !block.ends_with("\r\n")) block += "\r\n";
  const std::string message = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + block + "\r\n";
  H1Parser parser(H1Parser::Kind::kResponse, kLimits);
  parser.expect_response_to("POST");
  std::string_view rest = message;
  for (;;) {
    const H1Parser::Step step = parser.parse(rest);
    rest.remove_prefix(step.consumed);
    if (step.event == H1Parser::Event::kEnd) break;
    if (step.event != H1Parser::Event::kHead) return {};
    parser.take_response();
  }
  if (!rest.empty()) return {};
  return field_rules::check_response_trailers(parser.take_trailers());
}

}  // namespace

Buffer GrpcWebResponse::push(Buffer bytes) {
  std::size_t passed = 0;
  bytes.for_each([&](std::string_view run) {
    const std::size_t messages = pass(run);
    passed += messages;
    take_trailers(run.substr(messages));
  });
  return passed == bytes.size() ? std::move(bytes) : bytes.split(passed);
}

FieldList GrpcWebResponse::end(FieldList /*trailers*/) {
  broken_ = broken_ || at_ != At::kEnd;
  if (!broken_) return std::move(trailers_);
  FieldList failure;
  failure.add(FieldName::kGrpcStatus, std::to_string(static_cast<int>(grpc::status_of(Fault::kGrpcWebInvalid))));
  failure.add("grpc-message", grpc::percent_encoded(rule(Fault::kGrpcWebInvalid).explanation));
  return failure;
}

std::optional<Fault> GrpcWebResponse::fault() const {
  return broken_ ? std::optional(Fault::kGrpcWebInvalid) : std::nullopt;
}

std::size_t GrpcWebResponse::pass(std::string_view run) {
  std::size_t at = 0;
  while (at < run.size() && !broken_ && at_ <= At::kMessage) {
    if (at_ == At::kMessage) {
      const std::size_t part = std::min<std::size_t>(left_, run.size() - at);
      left_ -= static_cast<std::uint32_t>(part);
      at += part;
    } else if (at_ == At::kFlag) {
      take_flag(run[at]);
      if (broken_ || at_ == At::kTrailersFlag) return at;
      ++at;
    } else if (take_length(run[at++])) {
      at_ = At::kMessage;
    }
    if (at_ == At::kMessage && left_ == 0) at_ = At::kFlag;
  }
  return at;
}

// Trailers may not be compressed, and what else a flag may come to mean nobody knows.
void GrpcWebResponse::take_flag(char flag) {
  length_bytes_ = 0;
  left_ = 0;
  if (flag == kPlain || flag == kCompressed) {
    at_ = At::kLength;
  } else if (flag == kTrailersFlag) {
    at_ = At::kTrailersFlag;
  } else {
    broken_ = true;
  }
}

bool GrpcWebResponse::take_length(char byte) {
  left_ = left_ << 8U | static_cast<unsigned char>(byte);
  return ++length_bytes_ == kLengthBytes;
}

void GrpcWebResponse::take_trailers(std::string_view run) {
  if (run.empty() || broken_) return;
  if (at_ == At::kTrailersFlag) {
    run.remove_prefix(1);
    at_ = At::kTrailersLength;
  }
  while (!run.empty() && at_ == At::kTrailersLength) {
    const bool complete = take_length(run.front());
    run.remove_prefix(1);
    if (!complete) continue;
    at_ = At::kTrailers;
    broken_ = left_ > kLimits.max_trailer_bytes;
  }
  if (broken_) return;
  if (at_ == At::kTrailers) {
    const std::string_view part = run.substr(0, left_);
    block_.append(part);
    left_ -= static_cast<std::uint32_t>(part.size());
    run.remove_prefix(part.size());
    if (left_ == 0) end_trailers();
  }
  if (!run.empty()) broken_ = true;
}

void GrpcWebResponse::end_trailers() {
  at_ = At::kEnd;
  std::optional<FieldList> trailers = parse(std::exchange(block_, {}));
  broken_ = !trailers || trailers->count(FieldName::kGrpcStatus) != 1;
  if (!broken_) trailers_ = *std::move(trailers);
}

}  // namespace gatehouse
