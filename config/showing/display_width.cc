#include "config/showing/display_width.h"

#include <algorithm>
#include <array>
#include <span>

namespace gatehouse::config {

namespace {

// Both ends belong to it.
struct Interval {
  char32_t first;
  char32_t last;
};

// Unicode Standard Annex 11, W and F, by blocks.
constexpr std::array<Interval, 19> kWide{{{0x1100, 0x115F},
                                          {0x231A, 0x231B},
                                          {0x23E9, 0x23EC},
                                          {0x2705, 0x2705},
                                          {0x2E80, 0x303E},
                                          {0x3041, 0x33FF},
                                          {0x3400, 0x4DBF},
                                          {0x4E00, 0x9FFF},
                                          {0xA000, 0xA4CF},
                                          {0xA960, 0xA97F},
                                          {0xAC00, 0xD7A3},
                                          {0xF900, 0xFAFF},
                                          {0xFE30, 0xFE6F},
                                          {0xFF00, 0xFF60},
                                          {0xFFE0, 0xFFE6},
                                          {0x1F300, 0x1F64F},
                                          {0x1F680, 0x1F6FF},
                                          {0x1F900, 0x1FAFF},
                                          {0x20000, 0x3FFFD}}};
constexpr std::array<Interval, 9> kCombining{{{0x0300, 0x036F},
                                              {0x0483, 0x0489},
                                              {0x0591, 0x05BD},
                                              {0x064B, 0x065F},
                                              {0x1AB0, 0x1AFF},
                                              {0x1DC0, 0x1DFF},
                                              {0x20D0, 0x20FF},
                                              {0xFE00, 0xFE0F},
                                              {0xFE20, 0xFE2F}}};
constexpr std::array<Interval, 8> kUnprintable{{{0x00, 0x1F},
                                                {0x7F, 0x9F},
                                                {0x061C, 0x061C},
                                                {0x200B, 0x200F},
                                                {0x2028, 0x202E},
                                                {0x2060, 0x2069},
                                                {0xFEFF, 0xFEFF},
                                                {0xFFF9, 0xFFFB}}};

bool is_in(std::span<const Interval> intervals, char32_t character) {
  const auto after = std::ranges::upper_bound(intervals, character, {}, &Interval::first);
  return after != intervals.begin() && character <= std::prev(after)->last;
}

}  // namespace

std::size_t display_width(char32_t character) {
  if (is_in(kCombining, character)) return 0;
  return is_in(kWide, character) ? 2 : 1;
}

bool is_unprintable(char32_t character) {
  return is_in(kUnprintable, character);
}

}  // namespace gatehouse::config
