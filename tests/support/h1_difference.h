// Holds H1Parser against H1Oracle over one head: both get the same pieces of it, up to the first event that is not
// kNeedMore. For a test of random heads and for a fuzz target.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "proxy/http/h1/h1_parser.h"

namespace gatehouse::testing {

struct HeadOptions {
  H1Parser::Kind kind = H1Parser::Kind::kRequest;
  HeadLimits limits;
  Tolerance tolerance = Tolerance::kStrict;
  // How many bytes come next; everything at once if empty.
  std::function<std::size_t()> next_piece;
};

// Says where the two do not agree about the event, the fault, how much was consumed before it, or what the head is, in
// words for whoever reads the failure of a test. Empty: they agree. The parser may tell a fault before the oracle does
// if nothing that could follow saves the head.
std::string h1_difference(std::string_view input, const HeadOptions& options);

}  // namespace gatehouse::testing
