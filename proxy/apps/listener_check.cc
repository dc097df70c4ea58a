#include "proxy/apps/listener_check.h"

#include <cerrno>
#include <chrono>
#include <utility>

#include "common/event_loop.h"
#include "common/sockets.h"

namespace gatehouse {

namespace {

constexpr Duration kBetween = std::chrono::milliseconds(200);
constexpr Duration kLongEnough = std::chrono::seconds(2);

// Nobody listens, or the file of the Unix socket is not there.
bool is_refusal(std::optional<int> outcome) {
  return outcome == ECONNREFUSED || outcome == ENOENT;
}

}  // namespace

ListenerCheck::ListenerCheck(EventLoop& loop, std::move_only_function<void()> gone)
    : loop_(loop), gone_(std::move(gone)), timer_(loop, [this] { judge(); }) {}

void ListenerCheck::begin(const Address& address) {
  if (timer_.armed()) return;
  address_ = address;
  since_ = loop_.now();
  ask();
}

void ListenerCheck::stop() {
  timer_.disarm();
  watcher_.reset();
  socket_.reset();
}

void ListenerCheck::ask() {
  timer_.arm(kBetween);
  outcome_.reset();
  watcher_.reset();
  Result<Fd> started = sockets::connect(address_);
  if (!started) {
    outcome_ = started.error().code;
    return;
  }
  socket_ = *std::move(started);
  watcher_ = std::make_unique<IoWatcher>(loop_, socket_.get(), [this](IoEvents events) {
    if (!outcome_ && (events.writable || events.closed)) outcome_ = sockets::take_error(socket_.get());
  });
}

void ListenerCheck::judge() {
  if (!is_refusal(outcome_)) return stop();
  if (loop_.now() - since_ <= kLongEnough) return ask();
  stop();
  gone_();
}

}  // namespace gatehouse
