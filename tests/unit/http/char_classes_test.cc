#include "proxy/http/char_classes.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse::char_classes {
namespace {

// Each byte at each place of texts that are shorter, as long as, and longer than the words that are looked at.
TEST(CharClasses, AByteIsFoundWhereverItStands) {
  for (std::size_t size = 0; size < 20; ++size) {
    EXPECT_FALSE(has_control(std::string(size, 'a'))) << size;
    EXPECT_FALSE(has_control(std::string(size, '\t'))) << size;
    for (std::size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'a');
        text[place] = static_cast<char>(byte);
        const bool is_control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
        EXPECT_EQ(has_control(text), is_control) << size << " bytes, " << byte << " at " << place;
        EXPECT_EQ(has_high_byte(text), byte >= 0x80) << size << " bytes, " << byte << " at " << place;
        text[(place + 1) % size] = size > 1 ? '\t' : text[place];
        EXPECT_EQ(has_control(text), is_control) << size << " bytes, " << byte << " at " << place << " before a tab";
      }
    }
  }
}

}  // namespace
}  // namespace gatehouse::char_classes
