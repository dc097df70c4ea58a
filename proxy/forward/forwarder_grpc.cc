// The part of Forwarder that is about gRPC: the client's deadline, and endpoints that speak gRPC-Web in its place.
#include <memory>
#include <optional>

#include "proxy/forward/forwarder.h"
#include "proxy/forward/grpc_web.h"
#include "proxy/http/filters/grpc_web_response.h"
#include "proxy/http/grpc.h"

namespace gatehouse {

// From the start of the exchange on: whatever it waits for meanwhile is the client's time.
void Forwarder::set_deadline() {
  const FieldList& fields = exchange_.request().fields;
  if (!is_grpc(exchange_.request()) || fields.count(FieldName::kGrpcTimeout) != 1) return;
  const std::optional<Duration> timeout = grpc::parse_timeout(*fields.find(FieldName::kGrpcTimeout));
  if (!timeout) return;
  timers_.deadline = std::make_unique<Timer>(exchange_.loop(), [this] { on_deadline(); });
  timers_.deadline->arm(*timeout);
}

// The waiting line is left when the exchange destroys this.
void Forwarder::on_deadline() {
  timers_.settling.reset();
  timers_.silence.reset();
  fail(Fault::kDeadlineExceeded);
}

bool Forwarder::settle_grpc(ResponseHead& head) {
  if (overlay_.content_type.empty()) {
    if (is_grpc(exchange_.request())) grpc_web::settle_trailers_only(head);
    return true;
  }
  switch (grpc_web::make_response(head)) {
    case grpc_web::Response::kOther:
    case grpc_web::Response::kTrailersOnly:
      return true;
    case grpc_web::Response::kFrames:
      exchange_.response_pipe().set_filter(std::make_unique<GrpcWebResponse>());
      return true;
    case grpc_web::Response::kInvalid:
      return false;
  }
  return false;
}

bool Forwarder::ended_by_filter() {
  const BodyFilter* const filter = exchange_.response_pipe().filter();
  if (filter == nullptr || !filter->fault()) return false;
  exchange_.record().fault = filter->fault();
  return true;
}

}  // namespace gatehouse
