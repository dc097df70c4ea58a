#include "proxy/frontend/abuse_report.h"

#include "common/log_limit.h"

namespace gatehouse {

namespace {

constinit log::Limited ended("connections ended for what their clients did");

}  // namespace

void report_abuse(ListenerContext& context, const Address& client, Abuse abuse) {
  context.counters.cut[static_cast<std::size_t>(abuse)].add();
  ended.info("the connection of {} to {} is ended for what the client did: {}", client.to_string(),
             context.policy->name, label(abuse));
}

}  // namespace gatehouse
