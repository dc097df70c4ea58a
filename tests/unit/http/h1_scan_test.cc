#include "proxy/http/h1/h1_scan.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using Past = const char* (*)(const char*, const char*);

// Where the run ends that `text` begins with. The text is a block of its own: AddressSanitizer sees a byte read too far.
std::size_t run_of(Past past, std::string_view text) {
  const std::vector<char> copy(text.begin(), text.end());
  return static_cast<std::size_t>(past(copy.data(), copy.data() + copy.size()) - copy.data());
}

// Each byte at each place of texts of each length, as blocks have seams and ends.
void expect_ends_at_others_than(std::string_view members, Past past) {
  for (std::size_t size = 0; size <= 40; ++size) {
    const std::string run(size, 'a');
    ASSERT_EQ(run_of(past, run), size);
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text = run;
        text[at] = static_cast<char>(byte);
        const bool member = members.contains(static_cast<char>(byte));
        ASSERT_EQ(run_of(past, text), member ? size : at) << "byte " << byte << " at " << at << " of " << size;
      }
    }
  }
}

std::string bytes_from(int first) {
  std::string bytes;
  for (int byte = first; byte < 256; ++byte) {
    if (byte != 0x7f) bytes += static_cast<char>(byte);
  }
  return bytes;
}

TEST(H1Scan, AValueEndsAtControlBytesButNotAtTabs) {
  expect_ends_at_others_than(bytes_from(' ') + '\t', h1_scan::past_value);
}

TEST(H1Scan, WhatIsVisibleEndsAtControlBytesAndSpaces) {
  expect_ends_at_others_than(bytes_from('!'), h1_scan::past_visible);
}

TEST(H1Scan, ATokenEndsAtDelimiters) {
  expect_ends_at_others_than("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                             h1_scan::past_token);
}

TEST(H1Scan, AtMostIsNeverBehindTheEnd) {
  constexpr std::string_view kText = "abc";
  const char* const at = kText.data();
  EXPECT_EQ(h1_scan::at_most(2, at, at + 3), at + 2);
  EXPECT_EQ(h1_scan::at_most(3, at, at + 3), at + 3);
  EXPECT_EQ(h1_scan::at_most(std::string_view::npos, at, at + 3), at + 3);
}

}  // namespace
}  // namespace gatehouse
