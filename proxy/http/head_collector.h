// Collects the head of one request of HTTP/2 or HTTP/3, then its trailers, as the codec decodes them field by field:
// where each pseudo field goes, what counts against which limit, and what becomes of a section beyond its own. Names
// are in lower case, and names and values are as nghttp2 and nghttp3 have found them valid. A value of its stream; one
// loop's thread.
//
//   add() ... add(), end_head()      request() --> check_request
//   add() ... add()                  trailers()
#pragma once

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
  // The head: once it is complete for field_rules to judge, and before that what is known of it for the log.
  RawRequest& request() { return raw_; }
  // The trailers by the rules, or kRequestBodyInvalid. Once, when the request has ended.
  std::expected<FieldList, Fault> trailers(const ListenerPolicy& policy);

 private:
  Verdict add_pseudo(std::string_view name, std::string_view value, const HeadLimits& limits);

  RawRequest raw_;
  FieldSection section_;
  bool head_ended_ = false;
};

}  // namespace gatehouse
