#include "tests/support/h1_trace.h"

#include <algorithm>
#include <cassert>

namespace gatehouse::testing {

namespace {

class Tracer {
 public:
  explicit Tracer(const TraceOptions& options) : options_(options), parser_(options.kind, options.limits) {
    if (options.kind != H1Parser::Kind::kResponse) return;
    parser_.expect_response_to(options.to_head_request ? "HEAD" : "GET", options.tolerance);
  }

  // False once the parser is of no more use.
  bool feed(std::string_view piece) {
    for (;;) {
      const H1Parser::Step step = parser_.parse(piece);
      assert(step.consumed <= piece.size());
      note(step);
      piece.remove_prefix(step.consumed);
      if (step.event == H1Parser::Event::kFault) return false;
      if (step.event == H1Parser::Event::kNeedMore) {
        assert(piece.empty());
        return true;
      }
    }
  }

  void finish() { note(parser_.finish()); }

  std::string take() {
    end_body();
    return std::move(trace_);
  }

 private:
  void note(const H1Parser::Step& step) {
    if (step.event == H1Parser::Event::kBody) {
      assert(!step.body.empty());
      body_ += step.body;
      return;
    }
    if (step.event == H1Parser::Event::kNeedMore) return;
    end_body();
    switch (step.event) {
      case H1Parser::Event::kHead:
        note_head();
        break;
      case H1Parser::Event::kEnd:
        trace_ += "END\n" + text_of(parser_.take_trailers());
        note_repairs();
        break;
      default:
        trace_.append("FAULT ").append(rule(parser_.fault()).label).append("\n");
        break;
    }
  }

  void note_head() {
    if (options_.kind == H1Parser::Kind::kRequest) {
      const RawRequest request = parser_.take_request();
      trace_.append("HEAD ").append(label(request.protocol)).append(" ").append(request.method);
      trace_.append(" ").append(request.target).append("\n").append(text_of(request.fields));
    } else {
      const ResponseHead response = parser_.take_response();
      trace_.append("HEAD ").append(std::to_string(response.status)).append(" ");
      if (!response.reason.empty()) trace_.append("\"").append(response.reason).append("\" ");
      trace_.append(text_of(response.body));
      trace_.append(parser_.body_until_close() ? " until close\n" : "\n").append(text_of(response.fields));
    }
    trace_ += parser_.keep_alive() ? "KEEP\n" : "CLOSE\n";
  }

  void note_repairs() {
    for (std::size_t i = 0; i < kRepairCount; ++i) {
      if (parser_.repairs()[i]) trace_.append("REPAIRED ").append(label(static_cast<Repair>(i))).append("\n");
    }
  }

  void end_body() {
    if (!body_.empty()) trace_ += "BODY " + body_ + "\n";
    body_.clear();
  }

  const TraceOptions& options_;
  H1Parser parser_;
  std::string body_;
  std::string trace_;
};

}  // namespace

std::string h1_trace(std::string_view input, const TraceOptions& options) {
  Tracer tracer(options);
  bool useful = true;
  while (useful && !input.empty()) {
    const std::size_t wanted = options.next_piece ? options.next_piece() : input.size();
    const std::string piece(input.substr(0, std::clamp<std::size_t>(wanted, 1, input.size())));
    useful = tracer.feed(piece);
    input.remove_prefix(piece.size());
  }
  if (useful && options.finish) tracer.finish();
  return tracer.take();
}

std::string h1_trace_in_pieces(std::string_view input, TraceOptions options) {
  const std::string whole = h1_trace(input, options);
  for (const std::size_t size : {1U, 3U}) {
    options.next_piece = [size] { return size; };
    const std::string other = h1_trace(input, options);
    if (other != whole) return "whole:\n" + whole + "in pieces of " + std::to_string(size) + ":\n" + other;
  }
  return whole;
}

std::string text_of(const FieldList& fields) {
  std::string text;
  for (const Field field : fields) text.append(field.name).append(": ").append(field.value).append("\n");
  return text;
}

std::string text_of(const BodyLength& length) {
  switch (length.kind) {
    case BodyLength::Kind::kNone:
      return "none";
    case BodyLength::Kind::kKnown:
      return "known " + std::to_string(length.bytes);
    case BodyLength::Kind::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace gatehouse::testing
