// Random numbers: fast ones for choosing and jitter (per thread), and unpredictable ones for keys, ids, tokens and the
// seeds of tables whose keys strangers choose. Any thread; the fast ones must never decide what an attacker may not
// guess.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gatehouse::random {

// Any 64 bits, from a generator of the thread that the system has seeded (mt19937_64).
std::uint64_t fast();
// One of 0 to bound - 1, all equally likely, from the same generator. REQUIRES: bound > 0
std::uint64_t below(std::uint64_t bound);
// Any 64 bits that nobody can tell from those before or after them: from OpenSSL's generator, which the thread asks for
// some KiB at a time. Aborts the process if that fails.
std::uint64_t secret();
// Fills `out` from OpenSSL's generator; aborts the process if that fails. REQUIRES: less than 2 GiB
void fill_secure(std::span<std::uint8_t> out);

}  // namespace gatehouse::random
