#include "proxy/observe/fault_buffer.h"

#include <chrono>
#include <utility>

#include "common/event_loop.h"
#include "proxy/http/exchange/exchange.h"

namespace gatehouse {
namespace {

constexpr std::chrono::milliseconds kPatience{100};

}  // namespace

FaultBuffer::FaultBuffer(EventLoop& loop, HandOver hand_over)
    : loop_(loop), hand_over_(std::move(hand_over)), due_(loop, [this] { hand_over_(history_.take()); }) {}

void FaultBuffer::note(const Exchange& exchange) {
  if (history_.empty()) due_.arm(kPatience);
  history_.note(exchange, loop_.wall_now());
}

}  // namespace gatehouse
