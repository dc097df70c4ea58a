#include "proxy/forward/fixed_response.h"

#include <string_view>
#include <utility>

#include "proxy/http/request_id.h"

namespace gatehouse::fixed_response {

namespace {

class FixedResponse final : public Responder {
 public:
  FixedResponse(Exchange& exchange, ResponseHead head, std::string_view body)
      : exchange_(exchange), head_(std::move(head)), body_(body) {}

  void start() override { exchange_.respond(std::move(head_), body_); }

 private:
  Exchange& exchange_;
  ResponseHead head_;
  std::string_view body_;  // lives in the routes, which the exchange pins
};

class FixedFault final : public Responder {
 public:
  FixedFault(Exchange& exchange, Fault fault) : exchange_(exchange), fault_(fault) {}

  void start() override { exchange_.fail(fault_); }

 private:
  Exchange& exchange_;
  Fault fault_;
};

}  // namespace

std::unique_ptr<Responder> respond(Exchange& exchange, const Route& route, const RespondWith& action) {
  ResponseHead head{.status = action.status};
  if (!action.body.empty()) head.fields.add(FieldName::kContentType, "text/plain; charset=utf-8");
  say_request_id(head.fields, exchange.record().request_id);
  apply(route.response_headers, head.fields);
  return std::make_unique<FixedResponse>(exchange, std::move(head), action.body);
}

std::unique_ptr<Responder> respond(Exchange& exchange, ResponseHead head) {
  return std::make_unique<FixedResponse>(exchange, std::move(head), "");
}

std::unique_ptr<Responder> fail(Exchange& exchange, Fault fault) {
  return std::make_unique<FixedFault>(exchange, fault);
}

}  // namespace gatehouse::fixed_response
