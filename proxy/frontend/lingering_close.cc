#include "proxy/frontend/lingering_close.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/event_loop.h"
#include "proxy/frontend/abuse_report.h"

namespace gatehouse {

namespace {

constexpr std::chrono::seconds kQuiet{5};
constexpr std::chrono::seconds kLeaving{1};         // in all, once the listener goes
constexpr std::size_t kDroppedPerTurn = 64 * 1024;  // other connections have their turn in between

}  // namespace

void LingeringClose::begin(ListenerContext& context, ClientTransport transport, Buffer unsent) {
  context.connections.add(std::make_unique<LingeringClose>(context, std::move(transport), std::move(unsent)));
}

LingeringClose::LingeringClose(ListenerContext& context, ClientTransport transport, Buffer unsent)
    : context_(context),
      transport_(std::move(transport)),
      unsent_(std::move(unsent)),
      progress_(context.loop, until_closed([this] { progress(); })),
      stall_(context.loop, until_closed([this] { on_stalled(); })),
      deadline_(context.loop, until_closed([this] { close(); })),
      again_(context.loop, until_closed([this] { progress(); })) {
  transport_.stream->set_user(this);
  stall_.follow([this] { return transport_.acknowledged(); });
  stall_.wait(context_.policy->exchange.patience());
  progress_.wake();
}

LingeringClose::~LingeringClose() {
  transport_.stream->set_user(nullptr);
}

void LingeringClose::progress() {
  if (!shut_ && !send()) return;
  Buffer waste;
  const IoResult result = transport_.stream->read(waste, kDroppedPerTurn);
  if (result.bytes > 0) wait_for_more();
  if (result.status == IoStatus::kWouldBlock) return;
  if (result.status != IoStatus::kOk) return close();
  again_.arm(Duration::zero());
}

// Returns false if not everything has left, or the connection is gone.
bool LingeringClose::send() {
  const IoStatus status = transport_.write(unsent_).status;
  if (status == IoStatus::kWouldBlock) return false;
  if (status == IoStatus::kBroken) {
    close();
    return false;
  }
  transport_.stream->shutdown_write();
  shut_ = true;
  stall_.rest();
  const Duration most = context_.policy->connection.linger_timeout;
  last_ = context_.loop.now() + (context_.draining ? std::min<Duration>(most, kLeaving) : most);
  wait_for_more();
  return true;
}

void LingeringClose::drain() {
  if (!shut_) return;
  last_ = std::min<MonotonicTime>(last_, context_.loop.now() + kLeaving);
  wait_for_more();
}

void LingeringClose::wait_for_more() {
  deadline_.arm_at(std::min<MonotonicTime>(last_, context_.loop.now() + kQuiet));
}

void LingeringClose::on_stalled() {
  report_abuse(context_, transport_.peer, Abuse::kStalled);
  transport_.stream->abort_on_close();
  close();
}

void LingeringClose::close() {
  stall_.rest();
  transport_.stream->set_user(nullptr);
  context_.connections.close(*this);
}

}  // namespace gatehouse
