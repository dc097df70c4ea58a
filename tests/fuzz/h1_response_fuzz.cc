// HTTP/1.1 answers of endpoints; the first byte says whether they answer HEAD, whether the connection ends behind them,
// and whether they are read leniently. However the bytes are cut, the parser makes the same of them, and what it accepts
// can be written and is read back alike, strictly; what needs no repair is the same to both tolerances.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "proxy/http/field_rules.h"
#include "proxy/http/h1/h1_parser.h"
#include "proxy/http/h1/h1_writer.h"
#include "tests/support/h1_trace.h"
#include "tests/support/llhttp_reading.h"

namespace gatehouse {
namespace {

using testing::text_of;

constexpr HeadLimits kLimits{
    .max_header_bytes = 600, .max_header_count = 8, .max_trailer_bytes = 200, .max_trailer_count = 3};

void require(bool holds, std::string_view what, std::string_view detail) {
  if (holds) return;
  std::cerr << what << "\n" << detail << "\n";
  std::abort();
}

struct First {
  ResponseHead head;
  std::string body;
  std::size_t size = 0;
};

struct Asked {
  bool to_head = false;
  Tolerance tolerance = Tolerance::kStrict;
};

bool read_first(std::string_view input, const HeadLimits& limits, const Asked& asked, First& first) {
  H1Parser parser(H1Parser::Kind::kResponse, limits);
  parser.expect_response_to(asked.to_head ? "HEAD" : "GET", asked.tolerance);
  bool ended = false;
  for (;;) {
    const H1Parser::Step step = ended ? parser.finish() : parser.parse(input);
    input.remove_prefix(step.consumed);
    first.size += step.consumed;
    switch (step.event) {
      case H1Parser::Event::kHead:
        first.head = parser.take_response();
        break;
      case H1Parser::Event::kBody:
        first.body += step.body;
        break;
      case H1Parser::Event::kEnd:
        return true;
      case H1Parser::Event::kNeedMore:
        if (ended) return false;
        ended = true;
        break;
      case H1Parser::Event::kFault:
        return false;
    }
  }
}

// llhttp cannot be told of HEAD without a callback's answer, and reads trailers as if they framed: it checks GETs only.
void compare_with_llhttp(std::string_view input, const First& first) {
  std::string error;
  const auto theirs = testing::llhttp_read(testing::MessageKind::kResponse, input.substr(0, first.size), &error);
  if (!theirs && error == "incomplete" && first.head.body.kind == BodyLength::Kind::kUnknown) return;  // until close
  if (!theirs && first.head.body.kind == BodyLength::Kind::kUnknown) return;                           // trailers
  if (!may_have_body("GET", first.head.status) || first.head.fields.find(FieldName::kUpgrade)) return;
  require(theirs.has_value(), "llhttp refuses what we accept: " + error, input);
  require(theirs->status == first.head.status, "statuses differ", input);
  require(theirs->body == first.body, "bodies differ", input);
}

void write_and_read_back(First&& first, bool to_head) {
  field_rules::remove_hop_by_hop(first.head.fields);
  Buffer out;
  const h1_writer::ResponseOptions options{.to_head_request = to_head};
  require(h1_writer::write_response_head(out, first.head, options), "an accepted head cannot be written",
          text_of(first.head.fields));
  const bool chunked =
      first.head.body.kind == BodyLength::Kind::kUnknown && may_have_body(to_head ? "HEAD" : "GET", first.head.status);
  if (chunked) {
    h1_writer::write_chunk(out, Buffer(first.body));
    h1_writer::write_last_chunk(out, {});
  } else {
    out.append(first.body);
  }
  First again;
  const std::string written = out.to_string();
  require(read_first(written, HeadLimits{}, {.to_head = to_head}, again), "we refuse what we wrote", written);
  require(again.size == written.size(), "it does not end where it ended", written);
  require(again.head.status == first.head.status && again.body == first.body, "it changed", written);
  require(again.head.reason == first.head.reason, "its reason changed", written);
  require(text_of(again.head.fields) == text_of(first.head.fields), "its fields changed", written);
}

}  // namespace
}  // namespace gatehouse

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatehouse;
  if (size == 0) return 0;
  const bool to_head = (data[0] & 1) != 0;
  const Tolerance tolerance = (data[0] & 4) != 0 ? Tolerance::kLenient : Tolerance::kStrict;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  testing::TraceOptions options{.kind = H1Parser::Kind::kResponse,
                                .limits = kLimits,
                                .to_head_request = to_head,
                                .tolerance = tolerance,
                                .finish = (data[0] & 2) != 0};
  const std::string whole = testing::h1_trace(input, options);
  std::size_t step = 0;
  options.next_piece = [] { return std::size_t{1}; };
  require(testing::h1_trace(input, options) == whole, "byte by byte it is another answer", whole);
  options.next_piece = [&step, input] { return static_cast<std::size_t>(input[step++ % input.size()] & 15) + 1; };
  require(testing::h1_trace(input, options) == whole, "in pieces it is another answer", whole);

  options.next_piece = {};
  options.tolerance = Tolerance::kStrict;
  const std::string strict = testing::h1_trace(input, options);
  options.tolerance = Tolerance::kLenient;
  const std::string lenient = testing::h1_trace(input, options);
  require(strict.contains("FAULT") || strict == lenient, "leniently it is another answer", strict + lenient);

  First first;
  if (read_first(input, kLimits, {.to_head = to_head, .tolerance = tolerance}, first)) {
    if (!to_head && tolerance == Tolerance::kStrict) compare_with_llhttp(input, first);
    write_and_read_back(std::move(first), to_head);
  }
  return 0;
}
