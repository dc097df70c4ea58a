#include "proxy/admin/status_events.h"

#include <format>
#include <utility>

namespace gatehouse {
namespace {

// Browsers that lose the stream come back after this time.
constexpr std::string_view kOpening = "retry: 1000\n\n";

std::string event_of(std::string_view json) {
  return std::format("data: {}\n\n", json);
}

}  // namespace

StatusEvents::Subscription::Subscription(StatusEvents& events, Exchange& exchange, std::string_view first)
    : events_(events), exchange_(exchange) {
  ResponseHead head{.status = 200, .body = BodyLength::unknown()};
  head.fields.add(FieldName::kContentType, "text/event-stream; charset=utf-8");
  head.fields.add(FieldName::kCacheControl, "no-store");
  head.fields.add("X-Content-Type-Options", "nosniff");
  head.fields.add("Cross-Origin-Resource-Policy", "same-origin");
  events_.subscriptions_.push_back(this);
  exchange_.respond(std::move(head));
  exchange_.response_pipe().writer().write(Buffer(std::string(kOpening) + event_of(first)));
}

StatusEvents::Subscription::~Subscription() {
  std::erase(events_.subscriptions_, this);
}

void StatusEvents::Subscription::send(std::string_view event) {
  if (exchange_.response_pipe().reader().available() == 0) {
    missed_ = 0;
    exchange_.response_pipe().writer().write(Buffer(std::string(event)));
    return;
  }
  if (++missed_ == kMissedEvents) exchange_.fail(Fault::kClientStalled);
}

void StatusEvents::publish(std::string_view json) {
  const std::string event = event_of(json);
  // Exchanges that fail destroy their responder in a later waker, not below this call.
  for (Subscription* const subscription : subscriptions_) subscription->send(event);
}

}  // namespace gatehouse
