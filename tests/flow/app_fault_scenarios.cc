// What the app may do wrong: it is answered for where no head went out, and never a clean end where one did.
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

enum class Leaving { kClose, kReset };

// The app says `said` after a GET and goes.
void goes_after(Flow& f, std::string_view said, Fault fault, Leaving how = Leaving::kClose) {
  const bool head_out = said.find("\r\n\r\n") != std::string_view::npos;
  const Stream s = f.get();
  App& app = f.accept_request();
  if (!said.empty()) app.say(said);
  if (head_out) f.until([&] { return f.response(s).status == 200; });
  if (how == Leaving::kReset) {
    app.reset();
  } else {
    app.close();
  }
  f.expect_fault(s, fault, head_out ? Stage::kAfterHead : Stage::kBeforeHead);
  f.expect_pool(0);
}

// An answer that nobody can trust, of an app that stays.
void responds_badly(Flow& f, std::string_view said, Fault fault) {
  const Stream s = f.get();
  App& app = f.accept_request();
  app.say(said);
  f.expect_fault(s, fault);
  EXPECT_TRUE(f.await_cut(app));
  f.expect_pool(0);
}

// An answer with more behind it: delivered, and its connection never used again.
void says_too_much(Flow& f, const std::string& said) {
  const Stream s = f.get();
  App& app = f.accept_request();
  f.respond(app, said, s);
  f.expect_response(s, 200, "right");
  EXPECT_TRUE(f.await_cut(app));
  f.expect_pool(0);
}

void kept(Flow& f, App*& app) {
  const Stream s = f.get("/before");
  app = &f.accept_request();
  f.respond(*app, ok("x"), s);
  f.expect_response(s, 200, "x");
  f.expect_pool(1);
}

const Table kTable = {
    {"AppThatClosesBeforeTheHeadIs502", [](Flow& f) { goes_after(f, "", Fault::kUpstreamClosed); }},
    {"AppThatResetsBeforeTheHeadIs502", [](Flow& f) { goes_after(f, "", Fault::kUpstreamReset, Leaving::kReset); }},
    {"AppThatClosesInTheHeadIs502",
     [](Flow& f) { goes_after(f, "HTTP/1.1 200 OK\r\nContent-", Fault::kUpstreamClosed); }},
    {"AppThatClosesBeforeItsLengthIsReachedIsNoCleanEnd",
     [](Flow& f) { goes_after(f, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", Fault::kUpstreamTruncated); }},
    {"AppThatClosesInAChunkIsNoCleanEnd",
     [](Flow& f) { goes_after(f, std::string(kChunkedOk) + "64\r\nhalf", Fault::kUpstreamTruncated); }},
    {"AppThatClosesWithoutTheLastChunkIsNoCleanEnd",
     [](Flow& f) { goes_after(f, std::string(kChunkedOk) + chunk("whole"), Fault::kUpstreamTruncated); }},
    {"AppThatClosesInTheTrailersIsNoCleanEnd",
     [](Flow& f) { goes_after(f, std::string(kChunkedOk) + chunk("whole") + "0\r\n", Fault::kUpstreamTruncated); }},
    {"AppThatResetsInTheBodyIsNoCleanEnd",
     [](Flow& f) {
       goes_after(f, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", Fault::kUpstreamTruncated, Leaving::kReset);
     }},
    {"AppThatResetsAnAnswerThatEndsWithItsConnectionIsNoCleanEnd",
     [](Flow& f) { goes_after(f, "HTTP/1.1 200 OK\r\n\r\nhalf", Fault::kUpstreamTruncated, Leaving::kReset); }},
    {"ChunkThatIsNoneAfterTheHeadIsNoCleanEnd",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say(std::string(kChunkedOk) + chunk("good"));
       f.until([&] { return f.response(s).body == "good"; });
       app.say("xyz\r\n");
       f.expect_fault(s, Fault::kUpstreamInvalid, Stage::kAfterHead);
       EXPECT_TRUE(f.await_cut(app));
     }},
    {"AnswerThatIsNotHttpIs502",
     [](Flow& f) { responds_badly(f, "220 mail.test ESMTP\r\n", Fault::kUpstreamInvalid); }},
    {"AnswerWithTwoLengthsIs502",
     [](Flow& f) {
       responds_badly(f, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", Fault::kUpstreamInvalid);
     }},
    {"AnswerWithLengthAndChunksIs502",
     [](Flow& f) {
       responds_badly(f, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                      Fault::kUpstreamInvalid);
     }},
    {"AnswerWithAnEndlessHeadIs502",
     [](Flow& f) {
       responds_badly(f, "HTTP/1.1 200 OK\r\nX-Long: " + std::string(300'000, 'x'), Fault::kUpstreamHeadersTooLarge);
     }},
    {"ExtraBytesBehindALengthAreNobodysAnswer", [](Flow& f) { says_too_much(f, ok("right") + ok("EVIL")); }},
    {"ExtraBytesBehindTheLastChunkAreNobodysAnswer",
     [](Flow& f) { says_too_much(f, std::string(kChunkedOk) + chunk("right") + "0\r\n\r\n" + ok("EVIL")); }},
    {"ConnectionThatSpeaksWhileItIsKeptIsDropped",
     [](Flow& f) {
       App* app = nullptr;
       kept(f, app);
       app->forget();
       app->say("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
       EXPECT_TRUE(f.await_cut(*app));
       f.expect_pool(0);
     }},
    {"AppThatSaysCloseIsNotKept",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       f.respond(app, ok("bye", "Connection: close\r\n"), s);
       EXPECT_EQ(f.response(s).field("connection").find("close"), std::string::npos);
       f.expect_response(s, 200, "bye");
       EXPECT_TRUE(f.await_cut(app));
       EXPECT_TRUE(f.client().usable(s));
       f.expect_pool(0);
     }},
    {"StaleConnectionIsReplacedForAGet",
     [](Flow& f) {
       App* stale = nullptr;
       kept(f, stale);
       stale->forget();
       const Stream s = f.get("/again");
       f.await_head(*stale);
       stale->close();
       App& fresh = f.accept_request();
       f.respond(fresh, ok("fresh"), s);
       EXPECT_EQ(f.response(s).body, "fresh");
       const Record noted = f.record("/again");
       EXPECT_EQ(noted.status, 200);
       EXPECT_EQ(noted.attempts, 2U);
       EXPECT_EQ(f.retries(RetryReason::kStale), 1U);
     }},
    {"StaleConnectionIsNotReplacedForAPost",
     [](Flow& f) {
       App* stale = nullptr;
       kept(f, stale);
       stale->forget();
       const Stream s = f.begin({.method = "POST", .target = "/again"});
       f.await_head(*stale);
       stale->close();
       f.expect_fault(s, Fault::kUpstreamClosed);
       EXPECT_TRUE(f.nobody_connects());
       EXPECT_EQ(f.retries(RetryReason::kStale), 0U);
     }},
    {"StaleConnectionIsNotReplacedForAPutWhoseBodyHasGone",
     [](Flow& f) {
       App* stale = nullptr;
       kept(f, stale);
       stale->forget();
       const Stream s = f.begin({.method = "PUT", .target = "/again", .body = BodyLength::known(4)});
       f.client().send(s, "body");
       f.client().finish(s);
       f.await_request(*stale);
       stale->close();
       f.until([&] { return f.over(s); });
       EXPECT_EQ(f.response(s).status, 502);
       EXPECT_EQ(f.record("/again").attempts, 1U);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"GetThatWasPartlyAnsweredIsNotTriedAgain",
     [](Flow& f) {
       App* stale = nullptr;
       kept(f, stale);
       stale->forget();
       const Stream s = f.get("/again");
       f.await_head(*stale);
       stale->say("HTTP/1.1 2");
       f.settle();
       stale->close();
       f.expect_fault(s, Fault::kUpstreamClosed);
       EXPECT_TRUE(f.nobody_connects());
     }},
};

}  // namespace
}  // namespace gatehouse::flow
