// H1Connection: time that passes, and the ways to end.
#include <cassert>
#include <utility>

#include "proxy/frontend/abuse_report.h"
#include "proxy/frontend/h1/h1_connection.h"
#include "proxy/frontend/lingering_close.h"

namespace gatehouse {

H1Connection::Waiting H1Connection::waiting_for() const {
  if (exchange_ || state_.blocked) return Waiting::kForNothing;
  if (parser_.in_head()) return Waiting::kForHead;
  return state_.draining ? Waiting::kForOnlyRequest : Waiting::kForRequest;
}

void H1Connection::set_timer() {
  const Waiting waiting = waiting_for();
  if (waiting == std::exchange(state_.waiting, waiting)) return;
  const ListenerPolicy& policy = *context_.policy;
  switch (waiting) {
    case Waiting::kForNothing:
      return timers_.waiting.disarm();
    case Waiting::kForRequest:
      return timers_.waiting.arm(policy.connection.idle_timeout);
    case Waiting::kForOnlyRequest:
      return timers_.waiting.arm(kOnlyRequestGrace);
    case Waiting::kForHead:
      context_.connections.touch(*this);
      return timers_.waiting.arm(policy.connection.header_timeout);
  }
}

void H1Connection::on_timer() {
  if (state_.waiting == Waiting::kForHead) return reject(Fault::kHeaderTimeout);
  close_quietly();
}

void H1Connection::on_stalled() {
  report_abuse(context_, transport_.peer, Abuse::kStalled);
  if (exchange_) exchange_->abandon_client(timers_.stall.fault());
  transport_.stream->abort_on_close();
  close();
}

void H1Connection::drain() {
  state_.draining = true;
  if (may_leave()) return close_quietly();
  set_timer();
}

// A client that was let in and has not asked yet would take the end for an error: its request may be on the way.
bool H1Connection::may_leave() const {
  return state_.draining && state_.requests > 0 && idle();
}

bool H1Connection::idle() const {
  return !exchange_ && input_.empty() && !parser_.in_head() && output_.empty() && transport_.stream->unsent() == 0;
}

ClientConnection::Standing H1Connection::standing() const {
  if (idle()) return state_.requests > 0 ? Standing::kIdle : Standing::kUnfinished;
  const bool serving = exchange_ || !output_.empty() || transport_.stream->unsent() > 0;
  return serving ? Standing::kServing : Standing::kUnfinished;
}

void H1Connection::close_now() {
  if (idle()) return close_quietly();
  if (exchange_ && response_.begun()) transport_.stream->abort_on_close();
  close();
}

void H1Connection::finish() {
  ClientTransport transport = std::move(transport_);
  transport.belongings.reset();
  transport.stream->set_user(nullptr);
  LingeringClose::begin(context_, std::move(transport), std::move(output_));
  close();
}

void H1Connection::close_quietly() {
  transport_.stream->shutdown_write();
  close();
}

void H1Connection::close() {
  assert(!state_.closed);
  state_.closed = true;
  exchange_.reset();
  timers_.stall.rest();
  if (transport_.stream) transport_.stream->set_user(nullptr);
  context_.connections.close(*this);
}

}  // namespace gatehouse
