#include "proxy/frontend/abuse_report.h"

#include "common/event_loop.h"
#include "common/log.h"

namespace gatehouse {

namespace {

constexpr Duration kBetweenLines = std::chrono::seconds(1);  // of one kind: an attack must not fill the log

}  // namespace

void report_abuse(ListenerContext& context, const Address& client, Abuse abuse) {
  thread_local std::array<MonotonicTime, kAbuseCount> told{};
  const auto kind = static_cast<std::size_t>(abuse);
  context.counters.cut[kind].add();
  const MonotonicTime now = context.loop.now();
  if (now - told[kind] < kBetweenLines) return;
  told[kind] = now;
  log::info("the connection of {} to {} is ended for too much of one thing: {}", client.to_string(),
            context.policy->name, token(abuse));
}

}  // namespace gatehouse
