// Collects the head of one request of HTTP/2 or HTTP/3, then its trailers, as the codec decodes them field by field:
// where each pseudo field goes, what counts against which limit, and what becomes of a section beyond its own. Names and
// values may be any bytes: field_rules judges them. A value of its stream; one loop's thread.
//
//   add() ... add(), end_head()      request() --> check_request
//   add() ... add()                  trailers()
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "proxy/http/client_info.h"
#include "proxy/http/fault.h"
#include "proxy/http/field_section.h"
#include "proxy/http/limits.h"
#include "proxy/http/message.h"

namespace gatehouse {

class HeadCollector {
 public:
  using Verdict = FieldSection::Verdict;

  HeadCollector(Protocol protocol, bool secure);

  // The next field of the head, or after end_head() of the trailers.
  Verdict add(std::string_view name, std::string_view value, const HeadLimits& limits);
  // The head is complete; `end_of_message`: and so is the request.
  void end_head(bool end_of_message);
  // The head has a pseudo field that is unknown, comes twice or behind another field (RFC 9114 section 4.3). nghttp2
  // has refused those of h2 before.
  bool malformed() const { return (seen_ & kMisplaced) != 0; }
  // The head: once it is complete for field_rules to judge, and before that what is known of it for the log.
  RawRequest& request() { return raw_; }
  // The trailers by the rules, or kRequestBodyInvalid. Once, when the request has ended.
  std::expected<FieldList, Fault> trailers(const ListenerPolicy& policy);

 private:
  // What has come of the head, one bit each.
  enum Seen : std::uint8_t {
    kAuthority = 1,
    kPath = 2,
    kMethod = 4,
    kScheme = 8,
    kField = 16,
    kMisplaced = 32,
    kProtocol = 64
  };

  Verdict add_pseudo(std::string_view name, std::string_view value, const HeadLimits& limits);
  void note_pseudo(std::string_view name);

  RawRequest raw_;
  FieldSection section_;
  bool head_ended_ = false;
  std::uint8_t seen_ = 0;
};

}  // namespace gatehouse
