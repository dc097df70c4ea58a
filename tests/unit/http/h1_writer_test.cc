#include "proxy/http/h1/h1_writer.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/h1_trace.h"

namespace gatehouse {
namespace {

using h1_writer::write_chunk;
using h1_writer::write_last_chunk;
using h1_writer::write_request_head;
using h1_writer::write_response_head;

RequestHead request_head() {
  return {.method = "GET", .authority = "a.example", .target = "/p?q"};
}

std::string written(const RequestHead& head, const RequestOverlay& overlay = {}) {
  Buffer out;
  return write_request_head(out, head, overlay) ? out.to_string() : "refused";
}

std::string written(const ResponseHead& head, const h1_writer::ResponseOptions& options = {}) {
  Buffer out;
  return write_response_head(out, head, options) ? out.to_string() : "refused";
}

TEST(H1WriterRequest, WritesStartLineHostFieldsAndFraming) {
  RequestHead head = request_head();
  head.fields.add("X-Custom", "1");
  head.fields.add("accept", "*/*");
  EXPECT_EQ(written(head), "GET /p?q HTTP/1.1\r\nHost: a.example\r\nX-Custom: 1\r\naccept: */*\r\n\r\n");
  head.body = BodyLength::known(7);
  EXPECT_TRUE(written(head).ends_with("\r\nContent-Length: 7\r\n\r\n"));
  head.body = BodyLength::unknown();
  EXPECT_TRUE(written(head).ends_with("\r\nTransfer-Encoding: chunked\r\n\r\n"));
  head.accepts_trailers = true;
  EXPECT_TRUE(written(head).ends_with("\r\nConnection: TE\r\nTE: trailers\r\n\r\n"));
}

TEST(H1WriterRequest, WritesWhatLiesOverTheHeadInItsPlace) {
  RequestHead head = request_head();
  head.fields.add("X-Custom", "1");
  EXPECT_EQ(written(head, {.authority = "b.example:80", .target = "/q", .extra_name = "X-Token", .extra_value = "t"}),
            "GET /q HTTP/1.1\r\nHost: b.example:80\r\nX-Custom: 1\r\nX-Token: t\r\n\r\n");
  EXPECT_EQ(written(head, {.target = "/q"}), "GET /q HTTP/1.1\r\nHost: a.example\r\nX-Custom: 1\r\n\r\n");
  head.fields.add("Content-Type", "application/grpc");
  head.fields.add("X-Last", "2");
  EXPECT_EQ(written(head, {.content_type = "application/grpc-web"}),
            "GET /p?q HTTP/1.1\r\nHost: a.example\r\nX-Custom: 1\r\nX-Last: 2\r\nContent-Type: "
            "application/grpc-web\r\n\r\n");
  EXPECT_EQ(written(head, {.content_type = "a\r\nX: y"}), "refused");
  for (const RequestOverlay& unsafe : {RequestOverlay{.authority = "b\r\nX: y"}, RequestOverlay{.target = "/ HTTP/1.1"},
                                       RequestOverlay{.extra_name = "X", .extra_value = "a\nb"},
                                       RequestOverlay{.extra_name = "X y", .extra_value = "a"}}) {
    EXPECT_EQ(written(head, unsafe), "refused");
  }
}

TEST(H1WriterRequest, SaysZeroWhereABodyWouldBeExpected) {
  RequestHead head = request_head();
  head.method = "POST";
  EXPECT_TRUE(written(head).ends_with("Content-Length: 0\r\n\r\n"));
  head.method = "DELETE";
  EXPECT_FALSE(written(head).contains("Content-Length"));
}

TEST(H1WriterRequest, LeavesOutFieldsThatWouldContradictTheFraming) {
  RequestHead head = request_head();
  head.body = BodyLength::known(7);
  for (const std::string_view name : {"Host", "content-length", "TRANSFER-ENCODING", "Connection", "Keep-Alive",
                                      "Proxy-Connection", "Upgrade", "TE"}) {
    head.fields.add(name, "evil");
  }
  EXPECT_EQ(written(head), "GET /p?q HTTP/1.1\r\nHost: a.example\r\nContent-Length: 7\r\n\r\n");
}

TEST(H1WriterRequest, RefusesWhatCannotBeWrittenSafelyAndWritesNothingOfIt) {
  const auto refused = [](const RequestHead& head) {
    Buffer out("before");
    const bool result = write_request_head(out, head);
    EXPECT_EQ(out.to_string(), "before");
    return !result;
  };
  for (const std::string_view bad :
       {std::string_view("/a b"), std::string_view("/a\r\nX: y"), std::string_view("/\n"), std::string_view("/\0", 2),
        std::string_view("/\x7f"), std::string_view("/\x80"), std::string_view("")}) {
    RequestHead head = request_head();
    head.target = bad;
    EXPECT_TRUE(refused(head)) << bad;
    head = request_head();
    head.method = bad;
    EXPECT_TRUE(refused(head)) << bad;
    if (bad.empty()) continue;
    head = request_head();
    head.authority = bad;
    EXPECT_TRUE(refused(head)) << bad;
  }
  for (const std::string_view bad : {"", "a b", "a:", "a\r\n", "a\t", "\x80"}) {
    RequestHead head = request_head();
    head.fields.add(bad, "value");
    EXPECT_TRUE(refused(head)) << bad;
  }
  for (const std::string_view bad :
       {std::string_view("\r\nX: y"), std::string_view("a\rb"), std::string_view("0123456789\n"),
        std::string_view("a\0b", 3), std::string_view("\x01"), std::string_view("abcdefg\x7f")}) {
    RequestHead head = request_head();
    head.fields.add("Name", bad);
    EXPECT_TRUE(refused(head)) << bad;
  }
}

TEST(H1WriterRequest, LetsTabsAndBytesAboveAsciiThroughInValues) {
  RequestHead head = request_head();
  head.fields.add("A", "a\tb \xc3\xa4 0123456789 \xff");
  EXPECT_TRUE(written(head).contains("\r\nA: a\tb \xc3\xa4 0123456789 \xff\r\n"));
}

TEST(H1WriterRequest, WritesHeadsLargerThanASlab) {
  RequestHead head = request_head();
  for (int i = 0; i < 30; ++i) head.fields.add("Field", std::string(1000, static_cast<char>('a' + i % 26)));
  const std::string text = written(head);
  EXPECT_GT(text.size(), Buffer::kSlabSize);
  const std::string trace = testing::h1_trace(text, {});
  EXPECT_EQ(trace, "HEAD h1 GET /p?q\nHost: a.example\n" + testing::text_of(head.fields) + "KEEP\nEND\n");
}

TEST(H1WriterResponse, FramesByStatusMethodAndClient) {
  ResponseHead head{.status = 200, .body = BodyLength::known(3)};
  head.fields.add("A", "b");
  EXPECT_EQ(written(head), "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(written(head, {.client = Protocol::kH10}),
            "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(written(head, {.connection = h1_writer::Connection::kClose}),
            "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\nConnection: close\r\n\r\n");
  head.fields.clear();
  head.body = BodyLength::unknown();
  EXPECT_EQ(written(head), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(written(head, {.client = Protocol::kH10, .connection = h1_writer::Connection::kClose}),
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  head.body = BodyLength::none();
  EXPECT_EQ(written(head), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST(H1WriterResponse, AnnouncesNoBodyWhereNoneIsAllowed) {
  for (const std::uint16_t status : std::initializer_list<std::uint16_t>{100, 103, 204}) {
    EXPECT_FALSE(written({.status = status, .body = BodyLength::known(3)}).contains("Content-Length")) << status;
    EXPECT_FALSE(written({.status = status, .body = BodyLength::unknown()}).contains("Transfer-Encoding")) << status;
  }
  EXPECT_FALSE(written({.status = 103}, {.connection = h1_writer::Connection::kClose}).contains("Connection"));
  EXPECT_EQ(written({.status = 304, .body = BodyLength::known(3)}),
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(written({.status = 304, .body = BodyLength::unknown()}), "HTTP/1.1 304 Not Modified\r\n\r\n");
  EXPECT_EQ(written({.status = 200, .body = BodyLength::known(3)}, {.to_head_request = true}),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(written({.status = 200}, {.to_head_request = true}), "HTTP/1.1 200 OK\r\n\r\n");
}

TEST(H1WriterResponse, SaysTheReasonOfTheHeadOrTheRegisteredOne) {
  EXPECT_TRUE(written({.status = 404, .reason = "No such cat \xf0"}).starts_with("HTTP/1.1 404 No such cat \xf0\r\n"));
  EXPECT_TRUE(written({.status = 404}).starts_with("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_TRUE(written({.status = 999}).starts_with("HTTP/1.1 999 \r\n"));
  EXPECT_EQ(written({.status = 200, .reason = "a\r\nb"}), "refused");
}

TEST(H1WriterResponse, RefusesWhatCannotBeWrittenSafely) {
  EXPECT_EQ(written({.status = 99}), "refused");
  EXPECT_EQ(written({.status = 1000}), "refused");
  EXPECT_EQ(written({.status = 599, .body = BodyLength::known(0)}), "HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n");
  ResponseHead head{.status = 302};
  head.fields.add(FieldName::kLocation, "/a\r\nSet-Cookie: b");
  EXPECT_EQ(written(head), "refused");
}

TEST(H1WriterChunks, AreReadBackAsTheyWere) {
  Buffer out;
  write_chunk(out, Buffer("hello"));
  write_chunk(out, Buffer());
  write_chunk(out, Buffer(std::string(40'000, 'x')));
  FieldList trailers;
  trailers.add("Checksum", "1");
  trailers.add("Bad", "a\r\nb");
  trailers.add("Content-Length", "1");
  trailers.add("bad name", "c");
  write_last_chunk(out, trailers);
  const std::string text = out.to_string();
  EXPECT_TRUE(text.starts_with("5\r\nhello\r\n9c40\r\nxxx"));
  EXPECT_TRUE(text.ends_with("x\r\n0\r\nChecksum: 1\r\n\r\n"));
  const std::string trace = testing::h1_trace("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + text, {});
  EXPECT_TRUE(trace.ends_with("BODY hello" + std::string(40'000, 'x') + "\nEND\nChecksum: 1\n"));
}

}  // namespace
}  // namespace gatehouse
