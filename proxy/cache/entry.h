// One stored response, complete and immutable: the store and whoever answers with it share it (shared_ptr), on any
// thread. Its bytes are copied out, as buffers belong to their threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "proxy/cache/freshness.h"
#include "proxy/http/message.h"

namespace gatehouse::cache {

struct Entry {
  // Without what belongs to one exchange: connection fields, Age, X-Request-Id. Has a Date.
  ResponseHead head;
  // Shared with the entry that it was before it was found to be good still. Null: there is none.
  std::shared_ptr<const std::string> body;
  Terms terms;
  MonotonicTime stored{};
  Duration age_when_stored{};
  // Not a response, but the names of the request's fields that choose one (Vary), in lower case; the responses lie under
  // keys of their own, made of these fields and `generation`. Empty: a response.
  std::vector<std::string> vary;
  std::uint64_t generation = 0;

  std::string_view text() const { return body ? std::string_view(*body) : std::string_view(); }
  bool chooses() const { return !vary.empty(); }
  Duration age(MonotonicTime now) const { return age_when_stored + (now - stored); }
  Duration left(MonotonicTime now) const { return terms.lifetime - age(now); }
  bool fresh(MonotonicTime now) const { return left(now) > Duration::zero(); }
  // What it takes of the memory, its key not included.
  std::size_t bytes() const;
};

using EntryPtr = std::shared_ptr<const Entry>;

}  // namespace gatehouse::cache
