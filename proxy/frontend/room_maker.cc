#include "proxy/frontend/room_maker.h"

#include <atomic>
#include <optional>
#include <utility>

#include "common/event_loop.h"
#include "common/log.h"
#include "common/log_limit.h"
#include "proxy/frontend/listener_context.h"

namespace gatehouse {

namespace {

constinit log::Limited no_descriptor("clients that wait for a descriptor");

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

RoomMaker::RoomMaker(ListenerContext& context, std::move_only_function<void()> room)
    : context_(context), room_(std::move(room)), id_(next_id()), budget_(context.budget) {
  for (auto budget = budget_; budget; budget = budget->parent_) {
    budget->join({.id = id_, .loop = &context.loop, .maker = this});
  }
}

RoomMaker::~RoomMaker() {
  satisfied();
  for (auto budget = budget_; budget; budget = budget->parent_) budget->leave(id_);
}

void RoomMaker::want(ConnectionRefusal why, std::size_t clients) {
  context_.counters.refused[static_cast<std::size_t>(why)].add();
  const bool limited = why == ConnectionRefusal::kLimit;
  auto full = limited ? ConnectionBudget::full_one(budget_) : ConnectionBudget::topmost(budget_);
  tell(why, full.get());
  const std::size_t missing = clients - give(clients);
  if (!full) return;  // no limit is shared, or room came in the meantime
  // Without a descriptor a permit that comes back is no room: whoever could not use it would tell the next one.
  if (limited) full->wait(id_);
  if (missing > 0) ConnectionBudget::ask_others(full, id_, missing);
  full->wish(missing);
  wanted_from_ = std::move(full);
}

void RoomMaker::satisfied() {
  if (auto budget = std::exchange(wanted_from_, nullptr)) budget->wish(0);
}

std::size_t RoomMaker::give(std::size_t connections) {
  const ConnectionList::Evicted evicted = context_.connections.make_room(connections);
  context_.counters.evicted_idle.add(evicted.idle);
  context_.counters.evicted_unfinished.add(evicted.unfinished);
  return evicted.total();
}

void RoomMaker::tell(ConnectionRefusal why, ConnectionBudget* full) {
  const std::string& name = context_.policy->name;
  if (why == ConnectionRefusal::kDescriptors) {
    no_descriptor.warn("no descriptor for another connection on {}: clients wait, idle ones are closed", name);
  } else if (full != nullptr) {
    const std::optional<std::uint64_t> times = full->note_refusal(context_.loop.now());
    if (!times) return;
    log::info(
        "{} is reached: {} connections are open, as many as may be; on {} clients wait, idle ones are closed "
        "({} times since the last such line)",
        label(full->source()), full->limit(), name, *times);
  }
}

}  // namespace gatehouse
