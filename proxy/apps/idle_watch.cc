#include "proxy/apps/idle_watch.h"

namespace gatehouse {

Duration IdleWatch::look(const InstanceUse& use, MonotonicTime now) {
  if (use.in_flight > 0 || use.requests != requests_) {
    requests_ = use.requests;
    since_ = now;
  }
  return now - since_;
}

}  // namespace gatehouse
