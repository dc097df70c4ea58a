// What a lenient upstream may answer that is not quite HTTP: each answer whole, byte by byte and in threes, as the parser
// reads it with what repairs it before it.
#include "proxy/http/h1/h1_repair.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/h1_trace.h"

namespace gatehouse {
namespace {

using testing::h1_trace;
using testing::TraceOptions;

std::string traced_leniently(std::string_view input, TraceOptions options = {}) {
  options.kind = H1Parser::Kind::kResponse;
  options.tolerance = Tolerance::kLenient;
  return testing::h1_trace_in_pieces(input, options);
}

TEST(H1RepairTest, EndsLinesOfTheHeadWithLineFeedsToo) {
  EXPECT_EQ(traced_leniently("HTTP/1.1 200 OK\nA: b\nContent-Length: 2\n\nhi"),
            "HEAD 200 known 2\nA: b\nKEEP\nBODY hi\nEND\nREPAIRED line_end\n");
  EXPECT_EQ(traced_leniently("HTTP/1.1 200 OK\r\nA: b\nContent-Length: 2\r\n\nhi"),
            "HEAD 200 known 2\nA: b\nKEEP\nBODY hi\nEND\nREPAIRED line_end\n");
  EXPECT_EQ(traced_leniently("HTTP/1.1 100\n\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            "HEAD 100 none\nKEEP\nEND\nREPAIRED line_end\nHEAD 200 known 0\nKEEP\nEND\nREPAIRED line_end\n");
}

TEST(H1RepairTest, JoinsFoldedFields) {
  EXPECT_EQ(traced_leniently("HTTP/1.1 200 OK\r\nA: b \r\n\t c\r\n d\r\nContent-Length: 2\r\n\r\nhi"),
            "HEAD 200 known 2\nA: b   c d\nKEEP\nBODY hi\nEND\nREPAIRED fold\n");
  EXPECT_EQ(traced_leniently("HTTP/1.1 200 OK\nContent-Length:\n 2\nA: b\n\nhi"),
            "HEAD 200 known 2\nA: b\nKEEP\nBODY hi\nEND\nREPAIRED line_end\nREPAIRED fold\n");
}

TEST(H1RepairTest, SaysTheSameLengthOnce) {
  const std::string repaired = "HEAD 200 known 2\nKEEP\nBODY hi\nEND\nREPAIRED length\n";
  for (const std::string_view fields :
       {"Content-Length: 2\r\nContent-Length: 2\r\n", "Content-Length: 2\r\nCONTENT-LENGTH:2 \r\n",
        "Content-Length: 2, 2\r\n", "Content-Length: 2,2\r\nContent-Length: 2\r\nContent-Length: 2\r\n"}) {
    EXPECT_EQ(traced_leniently(std::string("HTTP/1.1 200 OK\r\n").append(fields).append("\r\nhi")), repaired) << fields;
  }
}

TEST(H1RepairTest, SkipsBlanksBehindTheSizeOfAChunk) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(traced_leniently(head + "2  \r\nhi\r\n1\t;a=b\r\n!\r\n0 \r\nT: u\r\n\r\n"),
            "HEAD 200 unknown\nKEEP\nBODY hi!\nEND\nT: u\nREPAIRED chunk_size\n");
  EXPECT_TRUE(traced_leniently(head + "2" + std::string(256, ' ') + "\r\nhi").contains("FAULT"));
}

TEST(H1RepairTest, FindsNothingToRepairWhereNothingIsWrong) {
  const std::string_view whole =
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: a\r\nContent-Length: 2\r\n\r\nhi"
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nhi\r\n0\r\nT: u\r\n\r\n";
  EXPECT_EQ(traced_leniently(whole), h1_trace(whole, {.kind = H1Parser::Kind::kResponse}));
  EXPECT_FALSE(traced_leniently(whole).contains("REPAIRED"));
}

TEST(H1RepairTest, KeepsItsLimits) {
  const HeadLimits limits{.max_header_bytes = 100};
  const std::string fault = "FAULT upstream_headers_too_large\n";
  const std::string head = "HTTP/1.1 200 OK\nA: b\n";
  EXPECT_EQ(traced_leniently(head + std::string(200, ' '), {.limits = limits}), fault);
  std::string folds = head;
  for (int i = 0; i < 100; ++i) folds += "\t\n";
  EXPECT_EQ(traced_leniently(folds, {.limits = limits}), fault);
  std::string lengths = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 100; ++i) lengths += "Content-Length: 2\r\n";
  EXPECT_EQ(traced_leniently(lengths), "FAULT upstream_invalid\n");
}

class HopelessResponse : public ::testing::TestWithParam<std::string> {};

TEST_P(HopelessResponse, IsRefusedLeniently) {
  const std::string trace = traced_leniently(GetParam());
  EXPECT_TRUE(trace.ends_with("FAULT upstream_invalid\n")) << trace;
  EXPECT_FALSE(trace.contains("END\n")) << trace;
}

INSTANTIATE_TEST_SUITE_P(All, HopelessResponse,
                         ::testing::Values("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                                           "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Length: 5\n\n",
                                           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
                                           "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
                                           "HTTP/1.1 200 OK\r\nContent-Length: 5,\r\n\r\n",
                                           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n 0\r\n\r\n",
                                           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 05\r\n\r\n",
                                           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent_Length: 5\r\n\r\n",
                                           "HTTP/1.1 200 OK\r\n A: b\r\n\r\n", " HTTP/1.1 200 OK\r\n\r\n",
                                           "\nHTTP/1.1 200 OK\n\n", "HTTP/1.1 200 O\rK\n\n",
                                           "HTTP/1.1 200 OK\nA: b\rc\n\n", "HTTP/1.1 200 OK\n\r\r\nx",
                                           "HTTP/1.1 200 OK\nA : b\n\n", "HTTP/1.1 200 OK\nA\n\n",
                                           "HTTP/1.1 200 OK\n: b\n\n", std::string("HTTP/1.1 200 OK\nA: \0\n\n", 22),
                                           "220 mail.test ESMTP\n", "HTTP/1.1 099 X\n\n",
                                           "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n",
                                           "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5;a\nhello",
                                           "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n 5\r\nhello",
                                           "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5 5\r\nhello",
                                           "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5 \nhello",
                                           "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\r\nA: b\n\n"));

}  // namespace
}  // namespace gatehouse
