#include "tests/support/h1_difference.h"

#include <algorithm>
#include <array>
#include <format>
#include <vector>

#include "tests/support/h1_oracle.h"
#include "tests/support/h1_trace.h"

namespace gatehouse::testing {

namespace {

using Event = H1Parser::Event;

// How far a reader came: the last event, what was consumed before it, and in which piece.
struct Course {
  Event event = Event::kNeedMore;
  std::size_t consumed = 0;
  std::size_t pieces = 0;
};

class Pieces {
 public:
  Pieces(std::string_view input, const HeadOptions& options) {
    while (!input.empty()) {
      const std::size_t wanted = options.next_piece ? options.next_piece() : input.size();
      pieces_.emplace_back(input.substr(0, std::clamp<std::size_t>(wanted, 1, input.size())));
      input.remove_prefix(pieces_.back().size());
    }
  }

  // Each piece is a copy of its own while it is read: one byte too far is a finding of AddressSanitizer.
  template <class Reader>
  Course show(Reader& reader) const {
    Course course;
    for (const std::string_view piece : pieces_) {
      ++course.pieces;
      const std::vector<char> copy(piece.begin(), piece.end());
      const H1Parser::Step step = reader.parse({copy.data(), copy.size()});
      course.event = step.event;
      if (step.event != Event::kFault) course.consumed += step.consumed;
      if (step.event != Event::kNeedMore) break;
    }
    return course;
  }

 private:
  std::vector<std::string_view> pieces_;
};

std::string name_of(const Course& course, Fault fault) {
  if (course.event == Event::kNeedMore) return "needs more";
  const std::string label(course.event == Event::kHead ? "a head" : rule(fault).label);
  return std::format("{} after {} bytes, in piece {}", label, course.consumed, course.pieces);
}

std::string text_of_head(RawRequest head) {
  return std::format("{} {} {}\n{}", label(head.protocol), head.method, head.target, text_of(head.fields));
}

std::string text_of_head(const ResponseHead& head) {
  return std::format("{} \"{}\" {}\n{}", head.status, head.reason, text_of(head.body), text_of(head.fields));
}

// The body that the fields speak of, where the parser has answers that cannot have one.
bool has_its_body(const ResponseHead& head) {
  return may_have_body("GET", head.status) && head.body.kind != BodyLength::Kind::kNone;
}

std::string compare_heads(H1Parser& parser, H1Oracle& oracle, const HeadOptions& options) {
  std::string ours;
  std::string theirs;
  if (options.kind == H1Parser::Kind::kRequest) {
    ours = text_of_head(parser.take_request());
    theirs = text_of_head(oracle.take_request());
  } else {
    ResponseHead head = parser.take_response();
    ResponseHead expected = oracle.take_response();
    if (!has_its_body(expected)) expected.body = head.body;
    ours = text_of_head(head);
    theirs = text_of_head(expected);
  }
  return ours == theirs ? "" : std::format("parser: {}oracle: {}", ours, theirs);
}

// Whether the oracle, shown as much as the parser, says this whatever follows. Two bytes, as H1Repair holds one back.
bool comes_to(Fault fault, const Pieces& pieces, const HeadOptions& options) {
  constexpr std::array kWhatFollows = std::to_array<std::string_view>({"xx", "\nxx", " xx", "HTTP/1.1\r\n\r\n"});
  return std::ranges::all_of(kWhatFollows, [&](std::string_view next) {
    H1Oracle oracle(options.kind, options.limits, options.tolerance);
    pieces.show(oracle);
    return oracle.parse(next).event == Event::kFault && oracle.fault() == fault;
  });
}

// llhttp is not shown bytes from 0x80 on, and takes the version for the target where CONNECT has nothing but those.
bool is_quirk(std::string_view input) {
  constexpr std::string_view kConnect = "CONNECT ";
  input.remove_prefix(std::min(input.find_first_not_of("\r\n"), input.size()));
  if (!input.starts_with(kConnect)) return false;
  input.remove_prefix(kConnect.size());
  const auto space = std::ranges::find_if(input, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  return space != input.begin() && space != input.end() && *space == ' ';
}

}  // namespace

std::string h1_difference(std::string_view input, const HeadOptions& options) {
  const Pieces pieces(input, options);
  H1Parser parser(options.kind, options.limits);
  if (options.kind == H1Parser::Kind::kResponse) parser.expect_response_to("GET", options.tolerance);
  H1Oracle oracle(options.kind, options.limits, options.tolerance);
  const Course ours = pieces.show(parser);
  const Course theirs = pieces.show(oracle);
  const Fault fault = ours.event == Event::kFault ? parser.fault() : Fault::kInternalError;
  std::string verdicts = std::format("parser: {}\noracle: {}\n", name_of(ours, fault), name_of(theirs, oracle.fault()));
  if (ours.event == Event::kHead && theirs.event == Event::kHead) {
    return ours.consumed == theirs.consumed ? compare_heads(parser, oracle, options) : verdicts;
  }
  if (ours.event != Event::kFault) return ours.event == theirs.event ? "" : verdicts;
  if (is_quirk(input)) return fault == Fault::kMalformedRequest ? "" : verdicts;
  if (theirs.event == Event::kFault) {
    if (fault != oracle.fault() || ours.pieces > theirs.pieces) return verdicts;
    if (options.kind == H1Parser::Kind::kResponse) return "";
    const std::string known = text_of(parser.take_request().fields);
    return known == text_of(oracle.take_request().fields) ? "" : verdicts + "what is known of it differs:\n" + known;
  }
  return theirs.event == Event::kNeedMore && comes_to(fault, pieces, options) ? "" : verdicts;
}

}  // namespace gatehouse::testing
