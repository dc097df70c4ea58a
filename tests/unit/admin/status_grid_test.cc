// What may reach a terminal of texts that anybody may have made.
#include "proxy/admin/status_grid.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(TerminalText, ControlCharactersAndMarksOfDirectionAreQuestionMarks) {
  EXPECT_EQ(terminal_text("\x1b[2J\x7f\xc2\x9b"), "?[2J??");
  EXPECT_EQ(terminal_text("a\xe2\x80\xae"
                          "b\xe2\x81\xa6"
                          "c\xe2\x80\xa8"),
            "a?b?c?");
  EXPECT_EQ(terminal_text("a\xe2\x80\x8e"
                          "b\xe2\x80\x8f"
                          "c\xd8\x9c"),
            "a?b?c?");
}

TEST(TerminalText, LettersOfAllLanguagesStay) {
  EXPECT_EQ(terminal_text("gr\xc3\xbc\xc3\x9f \xd7\x90 \xd8\xa7 \xe2\x80\x93"),
            "gr\xc3\xbc\xc3\x9f \xd7\x90 \xd8\xa7 \xe2\x80\x93");
}

}  // namespace
}  // namespace gatehouse
