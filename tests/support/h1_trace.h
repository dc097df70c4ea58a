// What an H1Parser makes of some bytes, as text: one line an event, pieces of a body joined. Two traces are equal if
// and only if a user of the parser could not tell the two inputs, or the two ways of cutting one input, apart.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "proxy/http/h1/h1_parser.h"

namespace gatehouse::testing {

struct TraceOptions {
  H1Parser::Kind kind = H1Parser::Kind::kRequest;
  HeadLimits limits;
  bool to_head_request = false;  // answers only
  Tolerance tolerance = Tolerance::kStrict;
  bool finish = false;  // the input ends with the connection
  // How many bytes come next; everything at once if empty.
  std::function<std::size_t()> next_piece;
};

std::string h1_trace(std::string_view input, const TraceOptions& options);
// The trace, which has to be the same one byte at a time, and in threes; if it is not, both of them, which no test
// expects.
std::string h1_trace_in_pieces(std::string_view input, TraceOptions options);

// "name: value\n" for each field.
std::string text_of(const FieldList& fields);
std::string text_of(const BodyLength& length);  // "none", "unknown", "known 5"

}  // namespace gatehouse::testing
