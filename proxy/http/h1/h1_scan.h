// Where runs of bytes end: the inner loops of whoever reads a head. Each function returns the first byte from `at` on
// that does not belong to the run, or `end`, and reads nothing from `end` on. Long runs are looked at 16 bytes at a time
// where the machine can (SSE2, which every x86-64 has), else one by one. Pure, any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <utility>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "proxy/http/char_classes.h"

namespace gatehouse::h1_scan {

// Where `count` bytes from `at` on end, or `end` if that comes before.
inline const char* at_most(std::size_t count, const char* at, const char* end) {
  return std::cmp_less(count, end - at) ? at + count : end;
}

enum class Tab : bool { kPasses, kStops };

#if defined(__SSE2__)
using Block = __m128i;
constexpr std::ptrdiff_t kBlock = sizeof(Block);

inline Block block_at(const char* at) {
  return _mm_loadu_si128(reinterpret_cast<const Block*>(at));
}
// These mark bytes of a block: all bits of a byte that is meant are set.
inline Block equal_to(Block bytes, char c) {
  return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}
inline Block at_most(Block bytes, char highest) {
  return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(highest)), bytes);
}
// A bit for each byte that is marked, the first one lowest.
inline unsigned bits_of(Block marked) {
  return static_cast<unsigned>(_mm_movemask_epi8(marked));
}

// Whether a byte is at most `Highest`, or DEL.
template <char Highest, Tab Tabs>
unsigned controls(Block bytes) {
  Block low = at_most(bytes, Highest);
  if constexpr (Tabs == Tab::kPasses) low = _mm_andnot_si128(equal_to(bytes, '\t'), low);
  return bits_of(_mm_or_si128(low, equal_to(bytes, '\x7f')));
}
#endif

// A method or the name of a field (RFC 9110 section 5.6.2): too short for blocks.
inline const char* past_token(const char* at, const char* end) {
  while (at != end && char_classes::in(char_classes::kToken, *at)) ++at;
  return at;
}

// Ends at a byte that is at most `Highest`, and at DEL.
template <char Highest, Tab Tabs>
const char* past_all_above(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= kBlock; at += kBlock) {
    if (const unsigned found = controls<Highest, Tabs>(block_at(at)); found != 0) return at + std::countr_zero(found);
  }
#endif
  const auto belongs = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte > static_cast<unsigned char>(Highest) && byte != 0x7f) || (Tabs == Tab::kPasses && c == '\t');
  };
  while (at != end && belongs(*at)) ++at;
  return at;
}

// The value of a field with the blanks around it (RFC 9110 section 5.5): everything but control bytes other than a tab.
inline const char* past_value(const char* at, const char* end) {
  return past_all_above<'\x1f', Tab::kPasses>(at, end);
}

// What is visible, or not ASCII: neither a control byte nor a space.
inline const char* past_visible(const char* at, const char* end) {
  return past_all_above<' ', Tab::kStops>(at, end);
}

}  // namespace gatehouse::h1_scan
