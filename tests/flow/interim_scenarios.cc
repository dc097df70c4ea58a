// Heads before the head (1xx), expectations, and answers that come before their request has ended.
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

constexpr std::string_view kExpect = "100-continue";

Request expecting(BodyLength length) {
  return {.method = "POST", .fields = {{"expect", std::string(kExpect)}}, .body = length};
}

// An app that answers while the client still uploads: the answer arrives whole, the client is told to stop, and nothing
// of the connection to the app is used again.
void early_response(Flow& f, std::string_view response, int status) {
  const Stream s = f.open_post(BodyLength::unknown());
  f.client().send(s, pattern(20'000));
  App& app = f.accept_request();
  app.say(response);
  f.expect_response(s, status, "no!");
  EXPECT_TRUE(f.await_cut(app));
  f.expect_pool(0);
  EXPECT_EQ(f.client().usable(s), multiplexes(f.protocol()));
}

// The heads that have come so far. On h2 and h3 the last one is known to be interim only once there is another.
std::vector<int> heads(Flow& f, Stream s) {
  std::vector<int> all = f.response(s).interim;
  if (f.response(s).status != 0) all.push_back(f.response(s).status);
  return all;
}

// A client that has been told 100, once.
void sends_its_body(Flow& f, Stream s, App& app) {
  EXPECT_EQ(heads(f, s), std::vector<int>{100});
  f.client().send(s, "body");
  f.client().finish(s);
  f.await_request(app);
  EXPECT_EQ(app.body(), "body");
  f.respond(app, ok("done"), s);
  EXPECT_EQ(f.response(s).interim, std::vector<int>{100});
  f.expect_response(s, 200, "done");
  f.expect_pool(1);
}

// An app that does not want the body: its answer comes in place of 100, and nothing of the body is asked for.
void refuses_the_body(Flow& f, int status) {
  const Stream s = f.begin(expecting(BodyLength::known(4)));
  App& app = f.accept_request();
  app.say("HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: 3\r\n\r\nno!");
  f.expect_response(s, status, "no!");
  EXPECT_TRUE(f.response(s).interim.empty());
  EXPECT_TRUE(f.await_cut(app));
  EXPECT_EQ(app.body(), "");
  f.expect_pool(0);
}

const Table kTable = {
    {"EarlyHintsArePassedAndTheAnswerFollows",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
       f.until(
           [&] { return f.response(s).interim.size() + static_cast<std::size_t>(f.response(s).status == 103) == 1; });
       f.respond(app, ok("late"), s);
       EXPECT_EQ(f.response(s).interim, std::vector<int>{103});
       f.expect_response(s, 200, "late");
       f.expect_pool(1);
     }},
    {"HintsBeyondTheEighthAreDroppedAndTheAnswerFollows",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       std::string response;
       for (int i = 0; i < 30; ++i) response += "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
       f.respond(app, response + ok("late"), s);
       EXPECT_EQ(f.response(s).interim, std::vector<int>(8, 103));
       f.expect_response(s, 200, "late");
       f.expect_pool(1);
     }},
    {"HintsWithoutEndAreAFault",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       std::string hints;
       for (int i = 0; i < 70; ++i) {
         hints += "HTTP/1.1 103 Early Hints\r\nLink: </" + std::string(1000, 'a') + ">\r\n\r\n";
       }
       app.say(hints);
       f.until([&] { return f.over(s); });
       EXPECT_EQ(f.response(s).status, 502);
       EXPECT_EQ(f.only_record().fault, Fault::kUpstreamHeadersTooLarge);
       f.expect_pool(0);
     }},
    {"OtherInterimAnswersArePassedToo",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 104 Upload Resumption Supported\r\n\r\n");
       f.until([&] { return heads(f, s).size() == 2; });
       f.respond(app, ok("late"), s);
       EXPECT_EQ(f.response(s).interim, (std::vector<int>{102, 104}));
       f.expect_response(s, 200, "late");
       f.expect_pool(1);
     }},
    {"ContinueThatNobodyAskedForIsSwallowed",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       f.respond(app, "HTTP/1.1 100 Continue\r\n\r\n" + ok("here"), s);
       EXPECT_TRUE(f.response(s).interim.empty());
       f.expect_response(s, 200, "here");
       f.expect_pool(1);
     }},
    {"ClientThatExpectsContinueGetsItFromTheApp",
     [](Flow& f) {
       const Stream s = f.begin(expecting(BodyLength::known(4)));
       App& app = f.accept_request();
       EXPECT_EQ(app.field("Expect"), kExpect);
       f.pass(500ms);
       EXPECT_TRUE(heads(f, s).empty());
       app.say("HTTP/1.1 100 Continue\r\n\r\n");
       f.until([&] { return !heads(f, s).empty(); });
       sends_its_body(f, s, app);
     }},
    {"ClientThatExpectsContinueOfASilentAppGetsItAfterASecond",
     [](Flow& f) {
       const Stream s = f.begin(expecting(BodyLength::known(4)));
       App& app = f.accept_request();
       f.pass(900ms);
       EXPECT_TRUE(heads(f, s).empty());
       f.pass(200ms);
       EXPECT_EQ(app.body(), "");
       sends_its_body(f, s, app);
     }},
    {"AppThatSaysContinueLateDoesNotSayItTwice",
     [](Flow& f) {
       const Stream s = f.begin(expecting(BodyLength::unknown()));
       App& app = f.accept_request();
       f.pass(1100ms);
       app.say("HTTP/1.1 100 Continue\r\n\r\n");
       f.settle();
       sends_its_body(f, s, app);
     }},
    {"ClientThatDoesNotWaitForContinueGetsNone",
     [](Flow& f) {
       const Stream s = f.begin(expecting(BodyLength::known(4)));
       f.client().send(s, "body");
       App& app = f.accept_request();
       f.until([&] { return app.body() == "body"; });
       app.say("HTTP/1.1 100 Continue\r\n\r\n");
       f.pass(1100ms);
       f.client().finish(s);
       f.respond(app, ok("done"), s);
       EXPECT_TRUE(f.response(s).interim.empty());
       f.expect_response(s, 200, "done");
       f.expect_pool(1);
     }},
    {"ContinueForARequestWithoutBodyIsNotAskedFor",
     [](Flow& f) {
       const Stream s = f.get("/", {{"expect", std::string(kExpect)}});
       App& app = f.accept_request();
       EXPECT_FALSE(app.has("Expect"));
       f.respond(app, ok("done"), s);
       f.expect_response(s, 200, "done");
     }},
    {"ExpectingClientIsAskedForItsBodyOnceThoughTheRequestMoves",
     [](Flow& f) {
       const Stream before = f.get("/before");
       App& stale = f.accept_request();
       f.respond(stale, ok("x"), before);
       f.expect_response(before, 200, "x");
       stale.forget();
       Request put = expecting(BodyLength::known(4));
       put.method = "PUT";
       put.target = "/again";
       const Stream s = f.begin(put);
       f.await_head(stale);
       EXPECT_EQ(stale.field("Expect"), kExpect);
       f.pass(1100ms);
       EXPECT_EQ(heads(f, s), std::vector<int>{100});
       stale.close();
       App& fresh = f.accept_request();
       EXPECT_FALSE(fresh.has("Expect"));
       f.pass(1100ms);
       sends_its_body(f, s, fresh);
     }},
    {"ClientThatExpectsContinueOfARouteThatDoesNotExistGetsTheRefusalInstead",
     [](Flow& f) {
       f.options.route.hosts = {"elsewhere.test"};
       const Stream s = f.begin(expecting(BodyLength::known(4)));
       f.until([&] { return f.over(s); });
       EXPECT_TRUE(f.response(s).interim.empty());
       EXPECT_EQ(f.response(s).status, 404);
       EXPECT_EQ(f.record("/").fault, Fault::kNoRoute);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"ClientThatExpectsContinueForTooLargeABodyGets413Instead",
     [](Flow& f) {
       f.options.limits.max_request_body = 100;
       const Stream s = f.begin(expecting(BodyLength::known(101)));
       f.expect_fault(s, Fault::kBodyTooLarge);
       EXPECT_TRUE(f.response(s).interim.empty());
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"AppThatRefusesAnExpectingClientIsNotUsedAgain", [](Flow& f) { refuses_the_body(f, 401); }},
    {"AppThatFindsTheBodyOfAnExpectingClientTooLargeIsNotUsedAgain", [](Flow& f) { refuses_the_body(f, 413); }},
    {"AppThatKnowsNoExpectationsIsNotUsedAgain", [](Flow& f) { refuses_the_body(f, 417); }},
    {"UnknownExpectationIs417",
     [](Flow& f) {
       const Stream s = f.get("/", {{"expect", "y"}});
       f.expect_fault(s, Fault::kExpectationFailed);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"EarlyAnswerOfAnAppThatStaysEndsTheUpload",
     [](Flow& f) { early_response(f, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!", 413); }},
    {"EarlyAnswerOfAnAppThatClosesEndsTheUpload",
     [](Flow& f) {
       early_response(f, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno!", 403);
     }},
    {"AnswerThatBeginsEarlyAndEndsAfterTheRequestIsWhole",
     [](Flow& f) {
       const Stream s = f.open_post(BodyLength::unknown());
       f.client().send(s, "one ");
       App& app = f.accept_request();
       app.say(std::string(kChunkedOk) + chunk("begun "));
       f.until([&] { return f.response(s).body == "begun "; });
       f.client().send(s, "two");
       f.client().finish(s);
       f.await_request(app);
       EXPECT_EQ(app.body(), "one two");
       f.respond(app, chunk("ended") + "0\r\n\r\n", s);
       f.expect_response(s, 200, "begun ended");
       f.expect_pool(1);
     }},
};

}  // namespace
}  // namespace gatehouse::flow
