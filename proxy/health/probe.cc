#include "proxy/health/probe.h"

#include <algorithm>
#include <optional>

#include "common/event_loop.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/http/exchange/body_pipe.h"
#include "proxy/http/limits.h"
#include "proxy/upstream/upstream_connection.h"

namespace gatehouse {

namespace {

constexpr std::uint64_t kMostBody = 64UL * 1024;  // of an answer; with more of it the status is known well enough
// A timer that comes later than this tells of our own machine: the endpoint gets its time once more.
constexpr std::chrono::milliseconds kLate{250};
// Those of the connection never count: one timer of ours stands for everything.
constexpr std::chrono::hours kNever{24};
constexpr ExchangeLimits kNoLimits{
    .connect_timeout = kNever, .response_timeout = kNever, .response_body_timeout = kNever};

RequestHead head_of(const ProbeRequest& request) {
  RequestHead head;
  head.method = request.method;
  head.target = request.path;
  head.authority = request.authority;
  if (head.authority.empty()) head.authority = request.address.is_unix() ? "localhost" : request.address.to_string();
  head.fields.add(FieldName::kUserAgent, "Gatehouse");
  for (const auto& [name, value] : request.fields) head.fields.set(name, value);
  return head;
}

std::shared_ptr<Endpoint> endpoint_of(const ProbeRequest& request) {
  if (request.endpoint) return request.endpoint;
  return std::make_shared<Endpoint>(
      Endpoint::Identity{.upstream = "probe", .address = request.address, .listening_user = request.listening_user});
}

}  // namespace

class Probe::Conversation final : public UpstreamConnection::User {
 public:
  Conversation(EventLoop& loop, const ProbeRequest& request, std::move_only_function<void(Outcome)> done)
      : loop_(loop),
        timeout_(request.timeout),
        done_(std::move(done)),
        step_(loop, [this] { step(); }),
        timer_(loop, [this] { expire(); }),
        connection_(loop, endpoint_of(request), [](UpstreamConnection&, UpstreamConnection::IdleEnd) {}) {
    response_.reader().set_waker(&step_);
    arm();
    // A status is all that is wanted, and goes nowhere: what is not quite HTTP has one all the same.
    const UpstreamConnection::Turn turn{.head = head_of(request),
                                        .body = body_,
                                        .response = response_,
                                        .introduction = request.introduction,
                                        .limits = kNoLimits,
                                        .tolerance = Tolerance::kLenient};
    if (connection_.begin(turn, *this)) return;
    timeout_fault_ = Fault::kRequestNotWritable;
    timer_.arm(Duration::zero());
  }

  void on_connected(Duration /*took*/) override { timeout_fault_ = Fault::kUpstreamTimeout; }
  void on_interim(ResponseHead /*head*/) override {}
  void on_head(ResponseHead head) override {
    status_ = head.status;
    timeout_fault_ = Fault::kUpstreamBodyTimeout;
  }
  void on_done(bool /*reusable*/) override { settle(*status_); }
  void on_fault(const UpstreamConnection::Failure& failure) override { settle(std::unexpected(failure.fault)); }

 private:
  // Throws away what has come of the body.
  void step() {
    response_.reader().consume(response_.reader().available());
    if (response_.reader().total() < kMostBody || !status_) return;
    settle(*status_);
  }

  void arm() {
    deadline_.at = loop_.now() + timeout_;
    timer_.arm_at(deadline_.at);
  }

  void expire() {
    if (timeout_fault_ != Fault::kRequestNotWritable && !deadline_.prolonged && loop_.now() - deadline_.at > kLate) {
      deadline_.prolonged = true;
      arm();
      return;
    }
    settle(std::unexpected(timeout_fault_));
  }

  void settle(Outcome outcome) {
    connection_.abandon();
    step_.cancel();
    timer_.disarm();
    done_(outcome);
  }

  EventLoop& loop_;
  const std::chrono::milliseconds timeout_;
  std::move_only_function<void(Outcome)> done_;
  std::optional<std::uint16_t> status_;
  Fault timeout_fault_ = Fault::kConnectTimeout;  // what it means if the time is over now
  struct {
    MonotonicTime at{};
    bool prolonged = false;
  } deadline_;
  BodyPipe body_;
  BodyPipe response_;
  Waker step_;
  Timer timer_;
  UpstreamConnection connection_;
};

Probe::Probe(EventLoop& loop, const ProbeRequest& request, std::move_only_function<void(Outcome)> done)
    : conversation_(std::make_unique<Conversation>(loop, request, std::move(done))) {}

Probe::~Probe() = default;

}  // namespace gatehouse
