#include "proxy/http/h1/h1_parser.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/h1_trace.h"

namespace gatehouse {
namespace {

using testing::h1_trace;
using testing::TraceOptions;

// The trace of `input`, which has to be the same when it comes one byte at a time, and in threes.
std::string traced(std::string_view input, TraceOptions options = {}) {
  const std::string whole = h1_trace(input, options);
  for (const std::size_t size : {1U, 3U}) {
    options.next_piece = [size] { return size; };
    EXPECT_EQ(h1_trace(input, options), whole) << "in pieces of " << size << ": " << input.substr(0, 300);
  }
  return whole;
}

std::string traced_response(std::string_view input, TraceOptions options = {}) {
  options.kind = H1Parser::Kind::kResponse;
  return traced(input, options);
}

std::string request(std::string_view fields, std::string_view body = "") {
  return std::string("POST /p HTTP/1.1\r\nHost: a\r\n").append(fields).append("\r\n").append(body);
}

std::string chunked(std::string_view body) {
  return request("Transfer-Encoding: chunked\r\n", body);
}

constexpr std::string_view kMalformed = "FAULT malformed_request\n";
constexpr std::string_view kHeadOfChunked = "HEAD h1 POST /p\nHost: a\nTransfer-Encoding: chunked\nKEEP\n";

TEST(H1ParserRequest, ReadsPipelinedRequestsOneAfterTheOther) {
  EXPECT_EQ(traced("GET / HTTP/1.1\r\nHost: a\r\n\r\n"
                   "\r\nPOST /x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                   "GET /last HTTP/1.0\r\nA:\r\n\r\n"),
            "HEAD h1 GET /\nHost: a\nKEEP\nEND\n"
            "HEAD h1 POST /x?y\nHost: a\nContent-Length: 5\nKEEP\nBODY hello\nEND\n"
            "HEAD h1.0 GET /last\nA: \nCLOSE\nEND\n");
}

TEST(H1ParserRequest, KeepsAliveAsVersionAndConnectionSay) {
  struct Case {
    std::string_view version, fields;
    bool keep;
  };
  for (const Case& each : std::vector<Case>{{"1.1", "", true},
                                            {"1.1", "Connection: close\r\n", false},
                                            {"1.1", "Connection: x, CLOSE\r\n", false},
                                            {"1.1", "Connection: keep-alive\r\nConnection: close\r\n", false},
                                            {"1.1", "Connection: closed\r\n", true},
                                            {"1.0", "", false},
                                            {"1.0", "Connection: Keep-Alive\r\n", true},
                                            {"1.0", "Connection: keep-alive, close\r\n", false}}) {
    const std::string trace = traced(
        std::string("GET / HTTP/").append(each.version).append("\r\nHost: a\r\n").append(each.fields).append("\r\n"));
    EXPECT_EQ(trace.contains("KEEP\n"), each.keep) << each.version << " " << each.fields;
    EXPECT_EQ(trace.contains("CLOSE\n"), !each.keep) << each.version << " " << each.fields;
  }
}

TEST(H1ParserRequest, ReadsMethodsThatNobodyHasHeardOf) {
  EXPECT_EQ(traced("FROBNICATE-2 / HTTP/1.1\r\nHost: a\r\n\r\n"), "HEAD h1 FROBNICATE-2 /\nHost: a\nKEEP\nEND\n");
  EXPECT_EQ(traced("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"), "HEAD h1 CONNECT a:443\nHost: a\nKEEP\nEND\n");
  EXPECT_EQ(traced(std::string(32, 'M') + " / HTTP/1.1\r\n\r\n"),
            "HEAD h1 " + std::string(32, 'M') + " /\nKEEP\nEND\n");
  EXPECT_EQ(traced(std::string(33, 'M') + " / HTTP/1.1\r\n\r\n"), kMalformed);
}

TEST(H1ParserRequest, DoesNotStopAtAnUpgrade) {
  EXPECT_EQ(
      traced(request("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n", "x")),
      "HEAD h1 POST /p\nHost: a\nConnection: Upgrade\nUpgrade: websocket\nContent-Length: 1\nKEEP\nBODY x\nEND\n");
  EXPECT_TRUE(traced("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
                  .contains("HEAD h1 GET /b\n"));
}

TEST(H1ParserRequest, TrimsWhiteSpaceAroundValues) {
  EXPECT_EQ(traced(request("A: \t b c\t \r\nTransfer-Encoding:\tchunKed \r\n", "0\r\n\r\n")),
            "HEAD h1 POST /p\nHost: a\nA: b c\nTransfer-Encoding: chunKed\nKEEP\nEND\n");
}

class MalformedHead : public ::testing::TestWithParam<std::string> {};

TEST_P(MalformedHead, IsRefused) {
  EXPECT_EQ(traced(GetParam()), kMalformed);
}

INSTANTIATE_TEST_SUITE_P(
    StartLine, MalformedHead,
    ::testing::Values("GET /\r\n\r\n", "GET / \r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET /  HTTP/1.1\r\n\r\n",
                      "GET\t/ HTTP/1.1\r\n\r\n", "GET /\tHTTP/1.1\r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n",
                      "GET / HTTP/1.1 \r\n\r\n", "GET / HTTP/1.1x\r\n\r\n", "GET / HTTP/1.10\r\n\r\n",
                      "GET / http/1.1\r\n\r\n", "GET / HTTP/01.1\r\n\r\n", "GET / HTTP/1\r\n\r\n",
                      " GET / HTTP/1.1\r\n\r\n", "GET foo HTTP/1.1\r\n\r\n", "G(T / HTTP/1.1\r\n\r\n",
                      "/ HTTP/1.1\r\n\r\n", "\n\r\n", "\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", "\nGET / HTTP/1.1\r\n\r\n",
                      "\rGET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02",
                      std::string("GET /\0 HTTP/1.1\r\n\r\n", 18), "GET /\x01 HTTP/1.1\r\n\r\n",
                      "GET /\x7f HTTP/1.1\r\n\r\n", "GET \xc3\xa4 HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\n\r\n",
                      "GET / HTTP/1.1\r\r\n\r\n", "GET / HTTP/1.1\rX: y\r\n\r\n"));

INSTANTIATE_TEST_SUITE_P(Lines, MalformedHead,
                         ::testing::Values(request("A: b\n"), "GET / HTTP/1.1\nHost: a\n\n", request("A: b\rc\r\n"),
                                           request("A\r: b\r\n"), request("A: b\r\r\n"),
                                           request(std::string("A: b\0c\r\n", 8)), request("A: b\x01\r\n"),
                                           request("A: b\x7f\r\n"), request("A: b\x0b\r\n"), request("A b\r\n"),
                                           request(": b\r\n"), request("A : b\r\n"), request("A\t: b\r\n"),
                                           request("A(: b\r\n"), request("\"A\": b\r\n"), request("\x80: b\r\n"),
                                           request(std::string("A\0: b\r\n", 7)), request(" A: b\r\n"),
                                           "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n",
                                           request("A: b\r\n c\r\n"), request("A: b\r\n\tc\r\n"),
                                           request("A:\r\n b\r\n"), request(" \r\n")));

INSTANTIATE_TEST_SUITE_P(
    Framing, MalformedHead,
    ::testing::Values(
        request("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        request("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), request("Transfer-Encoding : chunked\r\n"),
        request("Transfer-Encoding: \x0b"
                "chunked\r\n"),
        request("Transfer-Encoding: chunked\x0c\r\n"), request("Transfer-Encoding:\r\n chunked\r\n"),
        request("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
        request("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
        request("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        request("Transfer-Encoding: chunked, identity\r\n"), request("Transfer-Encoding: chunked, chunked\r\n"),
        request("Transfer-Encoding:\r\n"), request("Transfer-Encoding: ,chunked\r\n"),
        request("Transfer-Encoding: chunked,\r\n"), request("Transfer-Encoding: \"chunked\"\r\n"),
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", request("Transfer_Encoding: chunked\r\n"),
        request("Content_Length: 5\r\n"), request("content_length: 5\r\nContent-Length: 5\r\n"),
        request("Content-Length: 5\r\nContent-Length: 5\r\n"), request("Content-Length: 5\r\nContent-Length: 6\r\n"),
        request("Content-Length: 5, 5\r\n"), request("Content-Length: 5, 6\r\n"), request("Content-Length: +5\r\n"),
        request("Content-Length: -5\r\n"), request("Content-Length: -0\r\n"), request("Content-Length: 0x5\r\n"),
        request("Content-Length: 5 5\r\n"), request("Content-Length: 1e1\r\n"), request("Content-Length: \xd9\xa5\r\n"),
        request("Content-Length:\r\n"), request("Content-Length: \r\nContent-Length: 5\r\n"),
        request("Content-Length : 5\r\n"), request("Content-Length: 18446744073709551616\r\n"),
        request("Content-Length: 18446744073709551621\r\n"),
        request("Content-Length: 1234567890123456789012345678901234567890\r\n")));

TEST(H1ParserRequest, RefusesOtherCodingsAsNotImplemented) {
  for (const std::string_view coding : {"xchunked", "gzip, chunked", "identity, chunked", "identity", "gzip"}) {
    EXPECT_EQ(traced(request(std::string("Transfer-Encoding: ").append(coding).append("\r\n"), "0\r\n\r\n")),
              "FAULT coding_not_implemented\n")
        << coding;
  }
}

TEST(H1ParserRequest, RefusesOtherVersions) {
  for (const std::string_view version : {"0.9", "1.2", "1.9", "2.0", "3.0"}) {
    const std::string trace = traced(std::string("GET / HTTP/").append(version).append("\r\nHost: a\r\n\r\n"));
    EXPECT_EQ(trace, "FAULT version_not_supported\n") << version;
  }
}

TEST(H1ParserRequest, RefusesABareLineFeedBetweenRequests) {
  EXPECT_TRUE(traced("GET / HTTP/1.1\r\n\r\n\n").ends_with("END\nFAULT malformed_request\n"));
}

TEST(H1ParserRequest, ReadsLengthsWithLeadingZerosAsDecimal) {
  EXPECT_TRUE(traced(request("Content-Length: 0010\r\n", "0123456789")).ends_with("BODY 0123456789\nEND\n"));
}

TEST(H1ParserRequest, TakesOneByteTooManyForTheNextRequest) {
  EXPECT_TRUE(traced(request("Content-Length: 1\r\n", "xyGET / HTTP/1.1\r\n\r\n"))
                  .ends_with("BODY x\nEND\nHEAD h1 yGET /\nKEEP\nEND\n"));
  EXPECT_TRUE(traced(request("Content-Length: 1\r\n", "x\tGET / HTTP/1.1\r\n\r\n"))
                  .ends_with("BODY x\nEND\nFAULT malformed_request\n"));
}

TEST(H1ParserLimits, TargetIsRefusedAsSoonAsItIsTooLong) {
  const HeadLimits limits{.max_target_bytes = 10};
  EXPECT_TRUE(traced("GET /123456789 HTTP/1.1\r\n\r\n", {.limits = limits}).starts_with("HEAD h1 GET /123456789\n"));
  EXPECT_EQ(traced("GET /1234567890", {.limits = limits}), "FAULT target_too_long\n");
  EXPECT_EQ(traced("GET /1234567890 HTTP/1.1\r\n\r\n", {.limits = limits}), "FAULT target_too_long\n");
  EXPECT_EQ(traced("GET /\x01"
                   "234567890",
                   {.limits = limits}),
            kMalformed);
}

TEST(H1ParserLimits, FieldsAreRefusedOnceTheyWeighTooMuch) {
  const HeadLimits limits{.max_header_bytes = 100};
  const std::string head = "GET / HTTP/1.1\r\n";
  // 32 + 1 + 1, then 32 + 1 + 33: exactly 100
  const std::string fits = "A: b\r\nC: " + std::string(33, 'x');
  EXPECT_TRUE(traced(head + fits + "\r\n\r\n", {.limits = limits}).ends_with("END\n"));
  EXPECT_EQ(traced(head + fits + "x\r\n\r\n", {.limits = limits}), "FAULT headers_too_large\n");
  EXPECT_EQ(traced(head + fits + std::string(64, 'x'), {.limits = limits}), "FAULT headers_too_large\n");
  EXPECT_EQ(traced(head + "A:b\r\nC:" + std::string(34, 'x') + "\r\n\r\n", {.limits = limits}),
            "FAULT headers_too_large\n");
  EXPECT_EQ(traced(head + std::string(1000, 'n'), {.limits = limits}), "FAULT headers_too_large\n");
}

TEST(H1ParserLimits, FieldsAreCounted) {
  const HeadLimits limits{.max_header_count = 2};
  const std::string head = "GET / HTTP/1.1\r\nA: b\r\nC: d\r\n";
  EXPECT_TRUE(traced(head + "\r\n", {.limits = limits}).ends_with("END\n"));
  EXPECT_EQ(traced(head + "E: f\r\n\r\n", {.limits = limits}), "FAULT headers_too_large\n");
}

TEST(H1ParserChunks, JoinsThemAndDropsExtensions) {
  EXPECT_EQ(traced(chunked("5\r\nhello\r\n1;a;b=c;d=\"e \\\" f\"\r\n!\r\n00A\r\n0123456789\r\n0;x=y\r\n\r\n")),
            std::string(kHeadOfChunked) + "BODY hello!0123456789\nEND\n");
}

TEST(H1ParserChunks, GivesTrailers) {
  EXPECT_EQ(
      traced(chunked("0\r\nA: b\r\nContent-Length:  7 \r\nTransfer-Encoding: chunked\r\n\r\nGET / HTTP/1.1\r\n\r\n")),
      std::string(kHeadOfChunked) +
          "END\nA: b\nContent-Length: 7\nTransfer-Encoding: chunked\nHEAD h1 GET /\nKEEP\nEND\n");
}

class MalformedChunks : public ::testing::TestWithParam<std::string> {};

TEST_P(MalformedChunks, AreRefused) {
  const std::string trace = traced(chunked(GetParam()));
  EXPECT_TRUE(trace.ends_with("FAULT request_body_invalid\n")) << trace;
  EXPECT_FALSE(trace.contains("END\n")) << trace;
}

INSTANTIATE_TEST_SUITE_P(Size, MalformedChunks,
                         ::testing::Values("0x5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n", "-1\r\n", " 5\r\nhello\r\n",
                                           "5 \r\nhello\r\n", "0_5\r\nhello\r\n", "10000000000000005\r\nhello\r\n",
                                           "\r\nhello\r\n", "5\nhello\r\n", "5\rhello\r\n", "Z\r\n", "5;\r\nhello\r\n",
                                           "5;a=\"\r\nhello\r\n", "5;a=\r\nhello\r\n", "5; a\r\nhello\r\n",
                                           "5;a =b\r\nhello\r\n", "5;\nhello\r\n", "5;a\nhello\r\n", "5;a\rhello\r\n",
                                           "5;a=\"b\"c\r\nhello\r\n", "5;=b\r\nhello\r\n", "5;a\"b\"\r\nhello\r\n",
                                           std::string("5;a=\"\0\"\r\nhello\r\n", 16),
                                           "5;" + std::string(255, 'x') + "\r\nhello\r\n"));
INSTANTIATE_TEST_SUITE_P(Ends, MalformedChunks,
                         ::testing::Values("5\r\nhello0\r\n\r\n", "5\r\nhello!\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n",
                                           "5\r\nhello\r0\r\n\r\n", "0\n\n", "0\r\n\n", "0\n\r\n", "0\r\n\r\r\n",
                                           "0\r\nno colon\r\n\r\n", "0\r\nA : b\r\n\r\n", "0\r\nA: b\n\r\n",
                                           "0\r\nA: b\rc\r\n\r\n", "0\r\nA: b\r\n c\r\n\r\n", "0\r\n: b\r\n\r\n",
                                           "0\r\nA: \x01\r\n\r\n", "0\r\nA: " + std::string(9000, 'x')));

TEST(H1ParserChunks, SizeLineOf256BytesIsTheLongest) {
  EXPECT_TRUE(traced(chunked("0;" + std::string(254, 'x') + "\r\n\r\n")).ends_with("END\n"));
}

TEST(H1ParserChunks, SixteenDigitsAreReadAndNotMore) {
  EXPECT_TRUE(traced(chunked("0000000000000001\r\nx\r\n0\r\n\r\n")).ends_with("BODY x\nEND\n"));
  EXPECT_TRUE(traced(chunked("7FFFFFFFFFFFFFFF\r\nabc")).ends_with("BODY abc\n"));
}

TEST(H1ParserChunks, MustNotCostMoreFramingThanTheyAreWorth) {
  const std::string costly = "1;" + std::string(200, 'x') + "\r\ny\r\n";
  std::string body;
  for (int i = 0; i < 100; ++i) body += costly;
  EXPECT_TRUE(h1_trace(chunked(body + "0\r\n\r\n"), {}).ends_with("FAULT request_body_invalid\n"));
  std::string plain;
  for (int i = 0; i < 20'000; ++i) plain += "1\r\ny\r\n";
  EXPECT_TRUE(h1_trace(chunked(plain + "0\r\n\r\n"), {}).ends_with("y\nEND\n"));
}

TEST(H1ParserChunks, TrailersAreLimited) {
  const HeadLimits limits{.max_trailer_bytes = 100, .max_trailer_count = 1};
  EXPECT_TRUE(traced(chunked("0\r\nA: " + std::string(67, 'x') + "\r\n\r\n"), {.limits = limits}).ends_with("x\n"));
  EXPECT_TRUE(traced(chunked("0\r\nA: " + std::string(68, 'x') + "\r\n\r\n"), {.limits = limits}).contains("FAULT"));
  EXPECT_TRUE(traced(chunked("0\r\nA: b\r\nC: d\r\n\r\n"), {.limits = limits}).contains("FAULT"));
}

TEST(H1ParserRequest, EndOfInputIsFineOnlyBetweenRequests) {
  const std::string whole = chunked("5\r\nhello\r\n0\r\nA: b\r\n\r\n");
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const std::string trace = h1_trace(std::string_view(whole).substr(0, size), {.finish = true});
    EXPECT_EQ(trace.contains("FAULT client_gone"), size != 0 && size != whole.size()) << size << trace;
  }
}

TEST(H1ParserRequest, KnowsWhetherItIsInAHead) {
  H1Parser parser(H1Parser::Kind::kRequest, {});
  EXPECT_TRUE(parser.idle());
  EXPECT_FALSE(parser.in_head());
  EXPECT_EQ(parser.parse("\r\n").event, H1Parser::Event::kNeedMore);
  EXPECT_TRUE(parser.idle());
  EXPECT_EQ(parser.parse("G").event, H1Parser::Event::kNeedMore);
  EXPECT_TRUE(parser.in_head());
  EXPECT_FALSE(parser.idle());
  EXPECT_EQ(parser.parse("ET / HTTP/1.1\r\n\r\n").event, H1Parser::Event::kHead);
  EXPECT_FALSE(parser.in_head());
  EXPECT_FALSE(parser.idle());
  EXPECT_EQ(parser.parse("").event, H1Parser::Event::kEnd);
  EXPECT_TRUE(parser.idle());
  EXPECT_EQ(parser.parse("").event, H1Parser::Event::kNeedMore);
}

TEST(H1ParserRequest, TellsWhatItKnewOfARefusedHead) {
  H1Parser parser(H1Parser::Kind::kRequest, {});
  EXPECT_EQ(parser.parse("PUT /some/where HTTP/1.1\r\nHost: a\r\nUser-Agent: me\r\nBad Name: x\r\n\r\n").event,
            H1Parser::Event::kFault);
  const RawRequest known = parser.take_request();
  EXPECT_EQ(known.method, "PUT");
  EXPECT_EQ(known.target, "/some/where");
  EXPECT_EQ(known.fields.find(FieldName::kUserAgent), "me");
  EXPECT_EQ(parser.parse("GET / HTTP/1.1\r\n\r\n").event, H1Parser::Event::kFault) << "once refused, always refused";
}

TEST(H1ParserResponse, ReadsInterimAndFinalHeads) {
  EXPECT_EQ(traced_response(
                "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b\r\n\r\nhi"),
            "HEAD 103 none\nLink: x\nKEEP\nEND\nHEAD 200 known 2\nA: b\nKEEP\nBODY hi\nEND\n");
  EXPECT_EQ(traced_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: u\r\n\r\n"),
            "HEAD 200 unknown\nKEEP\nBODY hi\nEND\nT: u\n");
  EXPECT_EQ(traced_response("HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n"), "HEAD 404 known 0\nKEEP\nEND\n");
}

TEST(H1ParserResponse, WithoutFramingLastsUntilTheConnectionCloses) {
  EXPECT_EQ(traced_response("HTTP/1.1 200 OK\r\n\r\nall of it", {.finish = true}),
            "HEAD 200 unknown until close\nCLOSE\nBODY all of it\nEND\n");
  EXPECT_EQ(traced_response("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", {.finish = true}),
            "HEAD 200 unknown until close\nConnection: keep-alive\nCLOSE\nEND\n");
}

TEST(H1ParserResponse, HasNoBodyWhereThereCannotBeOne) {
  constexpr std::string_view kNext = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  for (const std::string_view head :
       {"HTTP/1.1 204 No Content\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n",
        "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n"}) {
    const std::string trace = traced_response(std::string(head).append("\r\n").append(kNext));
    EXPECT_TRUE(trace.ends_with("KEEP\nEND\nHEAD 200 known 0\nKEEP\nEND\n")) << trace;
  }
  EXPECT_EQ(traced_response("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", {.to_head_request = true}),
            "HEAD 200 known 9\nKEEP\nEND\n");
  EXPECT_EQ(traced_response("HTTP/1.1 200 OK\r\n\r\n", {.to_head_request = true}), "HEAD 200 none\nKEEP\nEND\n");
}

TEST(H1ParserResponse, IsTheLastIfItAnnouncesABodyThatItCannotHave) {
  EXPECT_EQ(traced_response("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n"), "HEAD 204 none\nCLOSE\nEND\n");
  EXPECT_EQ(traced_response("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
            "HEAD 204 none\nCLOSE\nEND\n");
  EXPECT_EQ(traced_response("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"), "HEAD 204 none\nKEEP\nEND\n");
}

class MalformedResponse : public ::testing::TestWithParam<std::string> {};

TEST_P(MalformedResponse, IsRefused) {
  EXPECT_EQ(traced_response(GetParam()), "FAULT upstream_invalid\n");
}

INSTANTIATE_TEST_SUITE_P(
    All, MalformedResponse,
    ::testing::Values("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: foo\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, foo\r\n\r\n",
                      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n",
                      "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 1000 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
                      "FOO/1.1 200 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
                      "hello there\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\n\r\n",
                      "HTTP/1.1 200 O\rK\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\r\nA\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", std::string("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", 25),
                      "HTTP/1.1 200 OK\r\nContent_Length: 5\r\n\r\n"));

TEST(H1ParserResponse, LimitsItsHead) {
  const HeadLimits limits{.max_header_bytes = 100};
  const std::string fault = "FAULT upstream_headers_too_large\n";
  EXPECT_EQ(traced_response("HTTP/1.1 200 OK\r\nA: " + std::string(100, 'x'), {.limits = limits}), fault);
  EXPECT_EQ(traced_response("HTTP/1.1 200 " + std::string(200, 'x'), {.limits = limits}), fault);
}

TEST(H1ParserResponse, CutShortIsNeverComplete) {
  for (const std::string_view whole :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}) {
    const std::size_t head = whole.find("\r\n\r\n") + 4;
    for (std::size_t size = 1; size < whole.size(); ++size) {
      const std::string trace = h1_trace(whole.substr(0, size), {.kind = H1Parser::Kind::kResponse, .finish = true});
      EXPECT_TRUE(trace.ends_with(size < head ? "FAULT upstream_closed\n" : "FAULT upstream_truncated\n"))
          << size << trace;
    }
  }
}

TEST(H1ParserResponse, BrokenBodyIsTheEndpointsFault) {
  EXPECT_TRUE(traced_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello")
                  .ends_with("FAULT upstream_invalid\n"));
}

}  // namespace
}  // namespace gatehouse
