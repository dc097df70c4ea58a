// Heads are read as two readers read them that share nothing with ours (tests/support/h1_oracle.h). What they are is in
// h1_parser_test.cc; here are random ones, those that only llhttp would refuse, and at which byte a fault is told.
#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/h1_difference.h"
#include "tests/support/h1_random_heads.h"
#include "tests/support/h1_trace.h"

namespace gatehouse {
namespace {

using testing::h1_trace_in_pieces;

// Other ones with --gtest_shuffle, and with --gtest_repeat each time: 50 times are ten million.
TEST(H1Head, IsReadAsTheOracleReadsItHoweverItIsCut) {
  constexpr int kHeads = 200'000;
  testing::H1RandomHeads heads(static_cast<std::uint64_t>(::testing::UnitTest::GetInstance()->random_seed()));
  for (int i = 0; i < kHeads; ++i) {
    const testing::H1RandomHeads::Case each = heads.next();
    ASSERT_EQ(testing::h1_difference(each.bytes, each.options), "") << "head " << i << ":\n" << each.bytes;
  }
}

// The input up to the byte that makes it wrong; it is not wrong without that byte.
class H1HeadFault : public ::testing::TestWithParam<std::string_view> {};

TEST_P(H1HeadFault, IsToldByTheByteThatMakesIt) {
  const std::string head = "POST / HTTP/1.1\r\n" + std::string(GetParam());
  EXPECT_EQ(h1_trace_in_pieces(head, {}), "FAULT malformed_request\n");
  EXPECT_EQ(h1_trace_in_pieces(head.substr(0, head.size() - 1), {}), "");
}

INSTANTIATE_TEST_SUITE_P(Fields, H1HeadFault,
                         ::testing::Values(" ", ":", "a ", "a\r", "a:\x7f", "a: b\n", "a: b\rc", "a: b\r\n ",
                                           "a: b\r\n\t", "a: b\r\n\n", "\r\r"));
INSTANTIATE_TEST_SUITE_P(Framing, H1HeadFault,
                         ::testing::Values("Content-Length: x", "Content-Length: 5\t", "Content-Length: 5 5",
                                           "Content-Length: 18446744073709551616", "Content-Length:\r\na",
                                           "Content-Length: 5\r\nContent-Length: 5",
                                           "Content-Length: 5\r\nTransfer-Encoding:",
                                           "Transfer-Encoding: gzip\r\nContent-Length:", "Transfer-Encoding: chunked ,",
                                           "Transfer-Encoding: chunked\r\nTransfer-Encoding: x"));

TEST(H1Head, IsRefusedWhereATabStandsBehindChunked) {
  const std::string head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked";
  EXPECT_EQ(h1_trace_in_pieces(head + "\t\r\n\r\n", {}), "FAULT malformed_request\n");
  EXPECT_EQ(h1_trace_in_pieces(head + " \r\n\r\n", {}), "HEAD h1 POST /\nTransfer-Encoding: chunked\nKEEP\n");
}

TEST(H1Head, HasATargetOfOneOfTheFourForms) {
  for (const std::string_view target : {"/", "/\"<>\\^`{|}", "/?a#b?c#d", "*", "http://", "http:///", "http://a",
                                        "hTTp://u:p@[::1]:80?x", "http://a@b@c/"}) {
    EXPECT_TRUE(h1_trace_in_pieces("GET " + std::string(target) + " HTTP/1.1\r\n\r\n", {}).starts_with("HEAD h1 GET "))
        << target;
  }
  for (const std::string_view target : {"?", "#", "a", "a:", "a:/", "a:b", "1://a", "a1://b", "http://a@@b",
                                        "http://a#b", "http://a\\b", "\xff", "-"}) {
    EXPECT_EQ(h1_trace_in_pieces("GET " + std::string(target) + " HTTP/1.1\r\n\r\n", {}), "FAULT malformed_request\n")
        << target;
  }
  for (const std::string_view target : {"a", "a:1", "[::1]:443", "a@b", "a/b", "?x"}) {
    EXPECT_TRUE(h1_trace_in_pieces("CONNECT " + std::string(target) + " HTTP/1.1\r\n\r\n", {}).starts_with("HEAD h1 "))
        << target;
  }
  EXPECT_EQ(h1_trace_in_pieces("CONNECT \xff HTTP/1.1\r\n\r\n", {}), "FAULT malformed_request\n");
}

}  // namespace
}  // namespace gatehouse
