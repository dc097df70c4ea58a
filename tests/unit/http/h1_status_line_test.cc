// What may stand in the first line of a response: any status of three digits, and the endpoint's own words.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/h1_trace.h"

namespace gatehouse {
namespace {

std::string traced_response(std::string_view input) {
  return testing::h1_trace_in_pieces(input, {.kind = H1Parser::Kind::kResponse});
}

TEST(H1StatusLineTest, KeepsAReasonPhraseThatIsNotTheRegisteredOne) {
  const auto reason = [](const std::string& phrase) {
    return traced_response("HTTP/1.1 200 " + phrase + "\r\nContent-Length: 0\r\n\r\n");
  };
  const std::string none = "HEAD 200 known 0\nKEEP\nEND\n";
  for (const std::string& phrase : {std::string("\xe4 reason"), std::string("Not\tOK "), std::string(256, 'x')}) {
    EXPECT_EQ(reason(phrase), "HEAD 200 \"" + phrase + "\" known 0\nKEEP\nEND\n");
  }
  for (const std::string& phrase :
       {std::string("OK"), std::string(), std::string(257, 'x'), std::string("O\x01K"), std::string("O\x7fK")}) {
    EXPECT_EQ(reason(phrase), none) << phrase;
  }
  EXPECT_EQ(traced_response("HTTP/1.1 103 Soon\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            "HEAD 103 \"Soon\" none\nKEEP\nEND\n" + none);
}

TEST(H1StatusLineTest, PassesEveryStatusOfThreeDigits) {
  EXPECT_EQ(traced_response("HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n"), "HEAD 600 \"X\" known 0\nKEEP\nEND\n");
  EXPECT_EQ(traced_response("HTTP/1.1 999\r\nContent-Length: 1\r\n\r\nx"), "HEAD 999 known 1\nKEEP\nBODY x\nEND\n");
  EXPECT_EQ(traced_response("HTTP/1.1 199 Odd\r\n\r\n"), "HEAD 199 \"Odd\" none\nKEEP\nEND\n");
}

}  // namespace
}  // namespace gatehouse
