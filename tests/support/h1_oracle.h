// What an H1Parser should make of a head, told by two readers that share nothing with it: one of lines and limits
// (H1OracleLines), and llhttp. Each byte goes through both, and what either refuses is refused. Reads one head.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proxy/http/h1/h1_parser.h"
#include "proxy/http/h1/h1_repair.h"
#include "tests/support/h1_oracle_lines.h"
#include "tests/support/h1_oracle_llhttp.h"

namespace gatehouse::testing {

class H1Oracle {
 public:
  H1Oracle(H1Parser::Kind kind, const HeadLimits& limits, Tolerance tolerance);

  // As H1Parser's, up to kHead or kFault: the last event there is. `consumed` counts up to kHead.
  H1Parser::Step parse(std::string_view input);
  // REQUIRES: kFault was returned.
  Fault fault() const { return fault_; }
  // REQUIRES: kHead was returned, and it is a request.
  RawRequest take_request();
  // REQUIRES: kHead was returned, and it is an answer. Its body is what its fields say of it.
  ResponseHead take_response();

 private:
  enum class Phase : std::uint8_t { kBetween, kMethod, kHead, kOver };

  void begin_lines(H1OracleLines::First first);
  H1Parser::Event skip_empty_lines(std::string_view& input);
  H1Parser::Event read_method(std::string_view& input);
  H1Parser::Event read_head(std::string_view& input);
  H1Parser::Event end_head();
  H1Parser::Event fail(Fault why);
  bool is_request() const { return kind_ == H1Parser::Kind::kRequest; }
  Fault malformed() const { return is_request() ? Fault::kMalformedRequest : Fault::kUpstreamInvalid; }
  Fault too_large() const { return is_request() ? Fault::kHeadersTooLarge : Fault::kUpstreamHeadersTooLarge; }

  const H1Parser::Kind kind_;
  const HeadLimits limits_;
  Phase phase_ = Phase::kBetween;
  std::size_t empty_line_bytes_ = 0;
  Fault fault_ = Fault::kInternalError;
  BodyLength body_;
  H1OracleLines lines_;
  H1OracleLlhttp llhttp_;
  std::unique_ptr<H1Repair> repair_;
  std::string method_;
};

}  // namespace gatehouse::testing
