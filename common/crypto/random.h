// Random numbers: fast ones for choosing and jitter (per thread), and unpredictable bytes for keys, ids and tokens.
// Any thread; the fast ones must never decide what an attacker may not guess.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gatehouse::random {

// Any 64 bits, from a generator of the thread that the system has seeded (mt19937_64).
std::uint64_t fast();
// One of 0 to bound - 1, all equally likely, from the same generator. REQUIRES: bound > 0
std::uint64_t below(std::uint64_t bound);
// Fills `out` from OpenSSL's generator; aborts the process if that fails. REQUIRES: less than 2 GiB
void fill_secure(std::span<std::uint8_t> out);

}  // namespace gatehouse::random
