#include "proxy/server/reload_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace gatehouse {

bool ReloadQueue::ask(Reply reply) {
  (running_ ? waiting_ : askers_).push_back(std::move(reply));
  return !std::exchange(running_, true);
}

bool ReloadQueue::ended(const ControlReply& outcome) {
  std::vector<Reply> told = std::exchange(askers_, std::exchange(waiting_, {}));
  running_ = !askers_.empty();
  const bool again = running_;
  tell(std::move(told), outcome);
  return again;
}

void ReloadQueue::refuse(const ControlReply& outcome) {
  std::vector<Reply> told = std::exchange(askers_, {});
  std::ranges::move(std::exchange(waiting_, {}), std::back_inserter(told));
  running_ = false;
  tell(std::move(told), outcome);
}

void ReloadQueue::tell(std::vector<Reply> askers, const ControlReply& outcome) {
  for (Reply& reply : askers) {
    if (reply) reply(outcome);
  }
}

}  // namespace gatehouse
