// The part of Forwarder that is about routes with a cache: what is stored goes before, and instead of, what an endpoint says.
#include <memory>

#include "proxy/forward/forwarder.h"

namespace gatehouse {

bool Forwarder::visit_cache() {
  using Next = cache::Visit::Next;
  const std::string_view target = overlay_.target.empty() ? exchange_.request().target : overlay_.target;
  visit_ = std::make_unique<cache::Visit>(exchange_, *route_.cache, target, [this](Next next) {
    if (next == Next::kAsks) seek_endpoint();
  });
  return visit_->begin() != Next::kAsks;
}

// A body that fits into the pipe is read to its end, so that the connection stays.
bool Forwarder::stored_instead(ResponseHead& head) {
  if (visit_->judge(head) == cache::Visit::Verdict::kPasses) return false;
  const bool fits = head.status == 304 ||
                    (head.body.kind != BodyLength::Kind::kUnknown && head.body.bytes <= BodyPipe::kDefaultCapacity);
  if (fits) {
    lease_->connection().divert_response(visit_->nowhere());
  } else {
    lease_.reset();
  }
  visit_->take_over(head);
  return true;
}

}  // namespace gatehouse
