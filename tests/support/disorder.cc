#include "tests/support/disorder.h"

#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "common/timer_heap.h"

namespace gatehouse::testing_support {

namespace {

volatile std::uint64_t playing = 0;

// The sanitizers end in this signal as well.
void say_which(int signal_number) {
  dprintf(STDERR_FILENO, "while playing GATEHOUSE_SEED=%llu\n", static_cast<unsigned long long>(playing));
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

void play(std::uint64_t seed, const std::function<void(Random&)>& scene) {
  SCOPED_TRACE("GATEHOUSE_SEED=" + std::to_string(seed));
  playing = seed;
  const TimerDisorder disorder(seed);
  Random random(seed);
  scene(random);
}

}  // namespace

void in_many_orders(int runs, const std::function<void(Random&)>& scene) {
  const auto former = std::signal(SIGABRT, say_which);
  if (const char* one = std::getenv("GATEHOUSE_SEED"); one != nullptr) {
    play(std::strtoull(one, nullptr, 10), scene);
  } else {
    for (int seed = 1; seed <= runs && !testing::Test::HasFailure(); ++seed) {
      play(static_cast<std::uint64_t>(seed), scene);
    }
  }
  std::signal(SIGABRT, former);
}

}  // namespace gatehouse::testing_support
