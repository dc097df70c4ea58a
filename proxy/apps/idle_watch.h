// For how long nobody has asked for an app: what its ready instances have had and have in flight, compared with the
// last look. App looks once a second, and stops the app when that is too long. Pure; owned by an App.
#pragma once

#include <cstdint>

#include "common/clock.h"
#include "proxy/apps/app_dependencies.h"

namespace gatehouse {

class IdleWatch {
 public:
  // An instance has come up, or is wanted again: the time counts from here.
  void begin(MonotonicTime now) { since_ = now; }

  // `use` is that of all ready instances together; the result is zero where somebody has come since the last look.
  Duration look(const InstanceUse& use, MonotonicTime now);

 private:
  std::uint64_t requests_ = 0;  // at the last look
  MonotonicTime since_{};
};

}  // namespace gatehouse
