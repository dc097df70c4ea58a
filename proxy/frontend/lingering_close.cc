#include "proxy/frontend/lingering_close.h"

#include <utility>

namespace gatehouse {

namespace {

constexpr std::chrono::seconds kLinger{1};
constexpr std::size_t kDroppedPerTurn = 64 * 1024;  // other connections have their turn in between
constexpr std::size_t kMostDropped = 64 * 1024 * 1024;

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
  stall_.wait(context_.policy->exchange.response_write_timeout);
  progress_.wake();
}

LingeringClose::~LingeringClose() {
  transport_.stream->set_user(nullptr);
}

void LingeringClose::progress() {
  if (!shut_ && !send()) return;
  Buffer waste;
  const IoResult result = transport_.stream->read(waste, kDroppedPerTurn);
  dropped_ += result.bytes;
  if (dropped_ > kMostDropped) return close();
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
  deadline_.arm(kLinger);
  return true;
}

void LingeringClose::on_stalled() {
  transport_.stream->abort_on_close();
  close();
}

void LingeringClose::close() {
  stall_.rest();
  transport_.stream->set_user(nullptr);
  context_.connections.close(*this);
}

}  // namespace gatehouse
