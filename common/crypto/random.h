// Random numbers: fast ones for choosing and jitter (per thread), and unpredictable bytes for keys, ids and tokens.
// Any thread; the fast ones must never decide what an attacker may not guess.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gatehouse::random {

std::uint64_t fast();                           // thread-local generator, seeded from the system
std::uint64_t below(std::uint64_t bound);       // 0 .. bound-1; REQUIRES: bound > 0
void fill_secure(std::span<std::uint8_t> out);  // from OpenSSL's generator; aborts the process if that fails

}  // namespace gatehouse::random
