// Bodies in every framing, both ways, and the heads and trailers around them.
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

const Table kTable = {
    {"GetHasNoBodyAndItsAnswerHasTheLengthThatTheAppSaid",
     [](Flow& f) {
       const Stream s = f.get("/a?b=c");
       App& app = f.accept_request();
       EXPECT_EQ(app.line(), "GET /a?b=c HTTP/1.1");
       EXPECT_EQ(app.field("Host"), "shop.test");
       EXPECT_FALSE(app.has("Content-Length"));
       EXPECT_FALSE(app.has("Transfer-Encoding"));
       EXPECT_TRUE(app.has_request());
       f.respond(app, ok("hello"), s);
       EXPECT_EQ(f.response(s).field("content-length"), "5");
       f.expect_response(s, 200, "hello");
       f.expect_pool(1);
     }},
    {"PostOfKnownLengthArrivesWithThatLength",
     [](Flow& f) {
       const Stream s = f.post("twelve bytes", BodyLength::known(12));
       App& app = f.accept();
       f.await_request(app);
       EXPECT_EQ(app.field("Content-Length"), "12");
       EXPECT_FALSE(app.has("Transfer-Encoding"));
       EXPECT_EQ(app.body(), "twelve bytes");
       f.respond(app, ok("thanks"), s);
       f.expect_response(s, 200, "thanks");
       f.expect_pool(1);
     }},
    {"PostOfUnknownLengthArrivesInChunks",
     [](Flow& f) {
       const Stream s = f.open_post(BodyLength::unknown());
       f.client().send(s, "one ");
       App& app = f.accept_request();
       f.until([&] { return app.body() == "one "; });
       EXPECT_EQ(app.field("Transfer-Encoding"), "chunked");
       EXPECT_FALSE(app.has("Content-Length"));
       EXPECT_FALSE(app.has_request());
       f.client().send(s, "two");
       f.client().finish(s);
       f.await_request(app);
       EXPECT_EQ(app.body(), "one two");
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
       f.expect_pool(1);
     }},
    {"PostOfNoBytesArrivesWithLengthZero",
     [](Flow& f) {
       const Stream s = f.post("", BodyLength::known(0));
       App& app = f.accept();
       f.await_request(app);
       EXPECT_EQ(app.field("Content-Length"), "0");
       f.respond(app, ok("x"), s);
       f.expect_response(s, 200, "x");
     }},
    {"PostOfUnknownLengthThatTurnsOutEmptyEndsCleanly",
     [](Flow& f) {
       const Stream s = f.post("", BodyLength::unknown());
       App& app = f.accept();
       f.await_request(app);
       EXPECT_EQ(app.body(), "");
       f.respond(app, ok("x"), s);
       f.expect_response(s, 200, "x");
       f.expect_pool(1);
     }},
    {"RequestTrailersReachTheApp",
     [](Flow& f) {
       const Stream s = f.open_post(BodyLength::unknown());
       f.client().send(s, "body");
       f.client().finish(s, {{"x-checksum", "42"}});
       App& app = f.accept();
       f.await_request(app);
       EXPECT_EQ(app.body(), "body");
       EXPECT_EQ(app.trailers(), "x-checksum: 42\r\n");
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
     }},
    {"AnswerInChunksArrivesPieceByPieceAndWithoutALength",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say(std::string(kChunkedOk) + chunk("first "));
       f.until([&] { return f.response(s).body == "first "; });
       EXPECT_EQ(f.response(s).field("content-length"), "");
       EXPECT_FALSE(f.over(s));
       f.respond(app, chunk("second") + "0\r\n\r\n", s);
       f.expect_response(s, 200, "first second");
       f.expect_pool(1);
     }},
    {"AnswerThatEndsWithItsConnectionIsACleanEndForTheClient",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say("HTTP/1.1 200 OK\r\n\r\nall there is");
       app.close();
       f.expect_response(s, 200, "all there is");
       EXPECT_TRUE(f.client().usable(s));
       f.expect_pool(0);
     }},
    {"AnswerOfNoBytesEndsAtOnce",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       f.respond(app, ok(""), s);
       EXPECT_EQ(f.response(s).field("content-length"), "0");
       f.expect_response(s, 200, "");
       f.expect_pool(1);
     }},
    {"AnswerTrailersReachAClientThatTakesThem",
     [](Flow& f) {
       const Stream s = f.get("/", {{"te", "trailers"}});
       App& app = f.accept_request();
       f.respond(app, std::string(kChunkedOk) + chunk("body") + "0\r\nX-Checksum: 42\r\n\r\n", s);
       EXPECT_EQ(find(f.response(s).trailers, "x-checksum"), "42");
       f.expect_response(s, 200, "body");
       f.expect_pool(1);
     }},
    {"TrailersBehindAnEmptyAnswerArriveToo",
     [](Flow& f) {
       const Stream s = f.get("/", {{"te", "trailers"}});
       App& app = f.accept_request();
       f.respond(app, std::string(kChunkedOk) + "0\r\ngrpc-status: 7\r\n\r\n", s);
       EXPECT_EQ(find(f.response(s).trailers, "grpc-status"), "7");
       f.expect_response(s, 200, "");
     }},
    {"HeadIsAnsweredWithTheLengthOfWhatGetWouldGive",
     [](Flow& f) {
       const Stream s = f.begin({.method = "HEAD"});
       App& app = f.accept_request();
       EXPECT_EQ(app.line(), "HEAD / HTTP/1.1");
       f.respond(app, "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", s);
       EXPECT_EQ(f.response(s).field("content-length"), "1234");
       f.expect_response(s, 200, "");
       f.expect_pool(1);
     }},
    {"HeadAnsweredInChunksHasNoBodyEither",
     [](Flow& f) {
       const Stream s = f.begin({.method = "HEAD"});
       App& app = f.accept_request();
       f.respond(app, kChunkedOk, s);
       f.expect_response(s, 200, "");
       f.expect_pool(1);
     }},
    {"NoContentHasNoBodyAndNoLength",
     [](Flow& f) {
       const Stream s = f.post("x", BodyLength::known(1));
       App& app = f.accept();
       f.await_request(app);
       f.respond(app, "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n", s);
       EXPECT_EQ(f.response(s).field("content-length"), "");
       EXPECT_EQ(f.response(s).field("x-a"), "b");
       f.expect_response(s, 204, "");
       f.expect_pool(1);
     }},
    {"NotModifiedKeepsItsLengthAndHasNoBody",
     [](Flow& f) {
       const Stream s = f.get("/", {{"if-none-match", "\"v1\""}});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("If-None-Match"), "\"v1\"");
       f.respond(app, "HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nContent-Length: 99\r\n\r\n", s);
       EXPECT_EQ(f.response(s).field("etag"), "\"v1\"");
       f.expect_response(s, 304, "");
       f.expect_pool(1);
     }},
    {"BodyBehindNoContentIsDroppedWithItsConnection",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       f.respond(app, "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL", s);
       f.expect_response(s, 204, "");
       EXPECT_TRUE(f.await_cut(app));
       f.expect_pool(0);
     }},
    {"KeptConnectionCarriesTheNextRequest",
     [](Flow& f) {
       const Stream first = f.get("/1");
       App& app = f.accept_request();
       f.respond(app, ok("one"), first);
       f.expect_response(first, 200, "one");
       const Stream second = f.post("body", BodyLength::unknown());
       f.await_request(app);
       EXPECT_EQ(app.body(), "body");
       f.respond(app, std::string(kChunkedOk) + chunk("two") + "0\r\n\r\n", second);
       EXPECT_EQ(f.response(second).body, "two");
       const Record noted = f.record("/");
       EXPECT_TRUE(noted.reused);
       EXPECT_EQ(noted.bytes_in, 4U);
       EXPECT_TRUE(f.nobody_connects());
       f.expect_pool(1);
     }},
};

}  // namespace
}  // namespace gatehouse::flow
