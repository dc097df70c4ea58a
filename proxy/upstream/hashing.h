// 64-bit hashes for balancing: the same on every machine and in every run, spread well, but not against somebody who
// chooses keys (bounded load sees to those). Pure, any thread. The values are part of what a fleet agrees upon: with
// another hash, keys would go to other endpoints.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/text.h"

namespace gatehouse::hashing {

// The finalizer of splitmix64: every bit of the input changes half of those of the output.
constexpr std::uint64_t mixed(std::uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ULL;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebULL;
  return bits ^ (bits >> 31);
}

// FNV-1a, mixed, because FNV-1a alone spreads short texts badly over the upper bits.
constexpr std::uint64_t of(std::string_view key) {
  return mixed(text::fnv1a(key));
}

}  // namespace gatehouse::hashing
