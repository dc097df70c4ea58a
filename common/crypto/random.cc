#include "common/crypto/random.h"

#include <array>
#include <cassert>
#include <cstdlib>
#include <limits>
#include <random>
#include <utility>

#include <openssl/rand.h>

#include "common/log.h"

namespace gatehouse::random {

namespace {

std::mt19937_64& generator() {
  thread_local std::mt19937_64 engine = [] {
    std::random_device system;
    std::seed_seq seed{system(), system(), system(), system()};
    return std::mt19937_64(seed);
  }();
  return engine;
}

}  // namespace

std::uint64_t fast() {
  return generator()();
}

std::uint64_t below(std::uint64_t bound) {
  assert(bound > 0);
  return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(generator());
}

std::uint64_t secret() {
  struct Reserve {
    std::array<std::uint64_t, 256> words{};
    std::size_t left = 0;
  };
  thread_local Reserve reserve;
  if (reserve.left == 0) {
    fill_secure({reinterpret_cast<std::uint8_t*>(reserve.words.data()), sizeof reserve.words});
    reserve.left = reserve.words.size();
  }
  return std::exchange(reserve.words[--reserve.left], 0);  // what was given out is not found in memory later
}

void fill_secure(std::span<std::uint8_t> out) {
  assert(out.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) {
    log::error("the random generator failed; nothing that needs a key can go on");
    std::abort();
  }
}

}  // namespace gatehouse::random
