// HTTP/1.1 requests. However the bytes are cut, the parser makes the same of them; what it accepts llhttp accepts and
// reads the same way; what field_rules accept can be written, and is read back as it was.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "proxy/http/field_rules.h"
#include "proxy/http/h1/h1_parser.h"
#include "proxy/http/h1/h1_writer.h"
#include "proxy/http/target.h"
#include "tests/support/h1_trace.h"
#include "tests/support/llhttp_reading.h"

namespace gatehouse {
namespace {

using testing::llhttp_read;
using testing::MessageKind;
using testing::text_of;

constexpr HeadLimits kLimits{.max_header_bytes = 600,
                             .max_header_count = 8,
                             .max_target_bytes = 64,
                             .max_trailer_bytes = 200,
                             .max_trailer_count = 3};

void require(bool holds, std::string_view what, std::string_view detail) {
  if (holds) return;
  std::cerr << what << "\n" << detail << "\n";
  std::abort();
}

struct First {
  RawRequest raw;
  std::string fields;  // and trailers
  std::string body;
  FieldList trailers;
};

// Reads the first request; false if it is refused or not complete.
bool read_first(std::string_view input, const HeadLimits& limits, First& first) {
  H1Parser parser(H1Parser::Kind::kRequest, limits);
  for (;;) {
    const H1Parser::Step step = parser.parse(input);
    input.remove_prefix(step.consumed);
    switch (step.event) {
      case H1Parser::Event::kHead:
        first.raw = parser.take_request();
        first.fields = text_of(first.raw.fields);
        break;
      case H1Parser::Event::kBody:
        first.body += step.body;
        break;
      case H1Parser::Event::kEnd:
        first.trailers = parser.take_trailers();
        first.fields += text_of(first.trailers);
        return true;
      default:
        return false;
    }
  }
}

void compare_with_llhttp(std::string_view input, const First& first) {
  std::string error;
  const auto theirs = llhttp_read(MessageKind::kRequest, input, &error);
  // llhttp knows only a list of methods, takes some targets apart more finely, and reads trailers as if they framed.
  if (!theirs && (error == "HPE_INVALID_METHOD" || error == "HPE_INVALID_URL" || !first.trailers.empty())) return;
  if (first.raw.method == "CONNECT" || first.raw.fields.find(FieldName::kUpgrade)) return;
  require(theirs.has_value(), "llhttp refuses what we accept: " + error, input);
  require(theirs->method == first.raw.method && theirs->target == first.raw.target, "start lines differ", input);
  require(theirs->fields == first.fields, "fields differ", theirs->fields + "-- ours:\n" + first.fields);
  require(theirs->body == first.body, "bodies differ", input);
}

void write_and_read_back(First&& first) {
  auto head = field_rules::check_request(first.raw, kLimits);
  if (!head) return;
  auto trailers =
      field_rules::check_request_trailers(std::move(first.trailers), Protocol::kH1, ListenerPolicy{.head = kLimits});
  field_rules::remove_hop_by_hop(head->fields);
  Buffer out;
  const std::string forwarded = head->target_needs_escapes ? target::escaped(head->target) : head->target;
  require(h1_writer::write_request_head(out, *head, {.target = forwarded}), "an accepted head cannot be written",
          head->target);
  const bool chunked = head->body.kind == BodyLength::Kind::kUnknown;
  if (chunked) {
    h1_writer::write_chunk(out, Buffer(first.body));
    const FieldList none;
    h1_writer::write_last_chunk(out, trailers ? *trailers : none);
  } else {
    out.append(first.body);
  }
  const std::string written = out.to_string();
  First again;
  require(read_first(written, HeadLimits{}, again), "we refuse what we wrote", written);
  require(again.raw.method == head->method && again.raw.target == forwarded && again.body == first.body, "it changed",
          written);
  if (head->authority.empty()) return;  // HTTP/1.0 without Host, which is HTTP/1.1 now
  const auto head_again = field_rules::check_request(again.raw, HeadLimits{});
  require(head_again.has_value(), "the rules refuse what they accepted", written);
  require(head_again->canonical_path() == head->canonical_path(), "another path", written);
  require(head_again->authority == head->authority && head_again->body.is_empty() == head->body.is_empty(),
          "another framing or host", written);
  std::string error;
  const auto theirs = llhttp_read(MessageKind::kRequest, written, &error);
  if (!theirs && (error == "HPE_INVALID_METHOD" || error == "HPE_INVALID_URL")) return;
  require(theirs.has_value(), "llhttp refuses what we wrote: " + error, written);
  require(theirs->size == written.size() && theirs->body == first.body && theirs->target == forwarded,
          "llhttp reads it otherwise", written);
}

}  // namespace
}  // namespace gatehouse

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatehouse;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  testing::TraceOptions options{.limits = kLimits, .finish = true};
  const std::string whole = testing::h1_trace(input, options);
  std::size_t step = 0;
  options.next_piece = [] { return std::size_t{1}; };
  require(testing::h1_trace(input, options) == whole, "byte by byte it is another request", whole);
  options.next_piece = [&step, input] { return static_cast<std::size_t>(input[step++ % input.size()] & 15) + 1; };
  require(testing::h1_trace(input, options) == whole, "in pieces it is another request", whole);

  First first;
  if (read_first(input, kLimits, first)) {
    compare_with_llhttp(input, first);
    write_and_read_back(std::move(first));
  }
  return 0;
}
