// A process that has used up its descriptors, for tests of what happens then: neither accept nor connect nor open works
// while a NoDescriptors lives, in any thread. The test's thread.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace gatehouse::testing_support {

// UBSan asks by a pipe whether an object can be read; without one it takes every object for a wrong one.
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kDescriptorsMayRunOut = false;
#else
inline constexpr bool kDescriptorsMayRunOut = true;
#endif

// No descriptor can be opened while it lives. REQUIRES: kDescriptorsMayRunOut
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(next);
    const rlimit none{.rlim_cur = static_cast<rlim_t>(next), .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace gatehouse::testing_support
