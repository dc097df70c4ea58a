// What may stand before a request, and in its target.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/h1_trace.h"

namespace gatehouse {
namespace {

// The trace of `input`, which has to be the same when it comes one byte at a time.
std::string traced(std::string_view input) {
  const std::string whole = testing::h1_trace(input, {});
  EXPECT_EQ(testing::h1_trace(input, {.next_piece = [] { return 1U; }}), whole);
  return whole;
}

TEST(H1StartLine, ForgivesTwoEmptyLinesBeforeARequest) {
  EXPECT_EQ(traced("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
                   "\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n"),
            "HEAD h1 GET /\nHost: a\nKEEP\nEND\nHEAD h1 GET /x\nHost: a\nKEEP\nEND\n");
  EXPECT_EQ(traced("\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n"), "FAULT malformed_request\n");
  EXPECT_EQ(traced("\r\n\rGET / HTTP/1.1\r\n\r\n"), "FAULT malformed_request\n");
}

TEST(H1StartLine, ReadsTargetsThatAreNotAscii) {
  EXPECT_EQ(traced("GET /\xc3\xa4/b\xff?\xc3\xb6 HTTP/1.1\r\nHost: a\r\n\r\n"),
            "HEAD h1 GET /\xc3\xa4/b\xff?\xc3\xb6\nHost: a\nKEEP\nEND\n");
}

}  // namespace
}  // namespace gatehouse
