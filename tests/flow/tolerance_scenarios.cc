// Answers of apps that are unusual but HTTP, which pass, and those that are not quite HTTP: refused, or put right where
// the upstream is lenient, and never passed on as they are.
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

void passes(Flow& f, std::string_view said, int status, std::string_view body) {
  const Stream s = f.get();
  App& app = f.accept_request();
  f.respond(app, said, s);
  f.expect_response(s, status, body);
  f.expect_pool(1);
}

void refuses(Flow& f, std::string_view said, Stage stage = Stage::kBeforeHead) {
  const Stream s = f.get();
  App& app = f.accept_request();
  app.say(said);
  f.expect_fault(s, Fault::kUpstreamInvalid, stage);
  EXPECT_TRUE(f.await_cut(app));
  f.expect_pool(0);
}

// Strictly it is refused; leniently the client gets an answer like any other, and the connection is not used again.
void repairs(Flow& f, std::string_view said, Repair what) {
  f.options.upstream.tolerance = Tolerance::kLenient;
  const Stream s = f.get();
  App& app = f.accept_request();
  f.respond(app, said, s);
  EXPECT_EQ(f.response(s).field("x-mine"), "one two");
  f.expect_response(s, 200, "hello");
  EXPECT_TRUE(f.await_cut(app));
  f.expect_pool(0);
  EXPECT_TRUE(f.client().usable(s));
  EXPECT_EQ(f.repairs(what), 1U);
}

constexpr std::string_view kLineFeeds = "HTTP/1.1 200 OK\nX-Mine: one two\nContent-Length: 5\n\nhello";
constexpr std::string_view kFold = "HTTP/1.1 200 OK\r\nX-Mine: one\r\n two\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kLengths =
    "HTTP/1.1 200 OK\r\nX-Mine: one two\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kBlanks =
    "HTTP/1.1 200 OK\r\nX-Mine: one two\r\nTransfer-Encoding: chunked\r\n\r\n5  \r\nhello\r\n0 \r\n\r\n";

const Table kTable = {
    {"StatusesBeyondTheClassesPass",
     [](Flow& f) {
       const Stream first = f.get("/600");
       App& app = f.accept_request();
       f.respond(app, "HTTP/1.1 600 Odd\r\nContent-Length: 1\r\n\r\nx", first);
       f.expect_response(first, 600, "x");
       const Stream second = f.get("/999");
       f.await_head(app);
       f.respond(app, "HTTP/1.1 999\r\nContent-Length: 0\r\n\r\n", second);
       f.expect_response(second, 999, "");
       f.expect_pool(1);
     }},
    {"StatusThatIsNoneIs502", [](Flow& f) { refuses(f, "HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n"); }},
    {"ProtocolThatNobodyAskedForIs502",
     [](Flow& f) { refuses(f, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"); }},
    {"ReasonPhraseOfTheAppReachesClientsThatKnowOfReasons",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       f.respond(app, "HTTP/1.1 404 No such cat\r\nContent-Length: 0\r\n\r\n", s);
       EXPECT_EQ(f.response(s).reason, f.is(Protocol::kH1) ? "No such cat" : "");
       f.expect_response(s, 404, "");
       f.expect_pool(1);
     }},
    {"ReasonPhraseThatNobodyMaySayIsTheRegisteredOne",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       f.respond(app, "HTTP/1.1 404 No\x01such\r\nContent-Length: 0\r\n\r\n", s);
       EXPECT_EQ(f.response(s).reason, "");
       f.expect_response(s, 404, "");
     }},
    {"LineFeedsAloneAre502", [](Flow& f) { refuses(f, kLineFeeds); }},
    {"FoldedFieldIs502", [](Flow& f) { refuses(f, kFold); }},
    {"SameLengthTwiceIs502", [](Flow& f) { refuses(f, kLengths); }},
    {"BlanksBehindTheSizeOfAChunkAreNoCleanEnd",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say(kChunkedOk);
       f.until([&] { return f.response(s).status == 200; });
       app.say("5  \r\nhello\r\n0\r\n\r\n");
       f.expect_fault(s, Fault::kUpstreamInvalid, Stage::kAfterHead);
       EXPECT_TRUE(f.await_cut(app));
     }},
    {"LineFeedsAloneOfALenientUpstreamArePutRight", [](Flow& f) { repairs(f, kLineFeeds, Repair::kLineEnd); }},
    {"FoldedFieldOfALenientUpstreamIsPutRight", [](Flow& f) { repairs(f, kFold, Repair::kFold); }},
    {"SameLengthTwiceOfALenientUpstreamIsPutRight", [](Flow& f) { repairs(f, kLengths, Repair::kLength); }},
    {"BlanksBehindTheSizeOfAChunkOfALenientUpstreamArePutRight",
     [](Flow& f) { repairs(f, kBlanks, Repair::kChunkSize); }},
    {"HintThatHadToBePutRightCostsTheConnection",
     [](Flow& f) {
       f.options.upstream.tolerance = Tolerance::kLenient;
       const Stream s = f.get();
       App& app = f.accept_request();
       f.respond(app, "HTTP/1.1 103 Early Hints\nLink: </a.css>\n\n" + ok("hello"), s);
       EXPECT_EQ(f.response(s).interim, std::vector<int>{103});
       f.expect_response(s, 200, "hello");
       EXPECT_TRUE(f.await_cut(app));
       f.expect_pool(0);
     }},
    {"LenientUpstreamThatIsRightKeepsItsConnection",
     [](Flow& f) {
       f.options.upstream.tolerance = Tolerance::kLenient;
       passes(f, std::string(kChunkedOk) + chunk("hello") + "0\r\n\r\n", 200, "hello");
     }},
    {"DifferentLengthsOfALenientUpstreamAre502",
     [](Flow& f) {
       f.options.upstream.tolerance = Tolerance::kLenient;
       refuses(f, "HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 6\n\nhello!");
     }},
    {"LengthBesideChunksOfALenientUpstreamIs502",
     [](Flow& f) {
       f.options.upstream.tolerance = Tolerance::kLenient;
       refuses(f, "HTTP/1.1 200 OK\nContent-Length: 5\nTransfer-Encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n");
     }},
    {"LineFeedAloneInTheChunksOfALenientUpstreamIsNoCleanEnd",
     [](Flow& f) {
       f.options.upstream.tolerance = Tolerance::kLenient;
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say(kChunkedOk);
       f.until([&] { return f.response(s).status == 200; });
       app.say("5\nhello\n0\n\n");
       f.expect_fault(s, Fault::kUpstreamInvalid, Stage::kAfterHead);
       EXPECT_TRUE(f.await_cut(app));
     }},
};

}  // namespace
}  // namespace gatehouse::flow
