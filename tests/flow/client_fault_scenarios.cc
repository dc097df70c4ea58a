// What the client may do wrong, or not at all: it goes away, it lies about lengths, it sends too much or nothing.
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

constexpr int kNoResponse = 499;  // in the log

const Table kTable = {
    {"ClientThatGoesInItsBodyTakesTheConnectionWithIt",
     [](Flow& f) {
       const Stream s = f.open_post(BodyLength::known(100), "/x");
       f.client().send(s, "half");
       App& app = f.accept_request();
       f.until([&] { return app.body() == "half"; });
       f.client().reset(s);
       EXPECT_TRUE(f.await_cut(app));
       f.expect_gone("/x", kNoResponse);
       f.expect_pool(0);
     }},
    {"ClientThatGoesInItsChunksNeverLetsTheAppSeeALastOne",
     [](Flow& f) {
       const Stream s = f.open_post(BodyLength::unknown(), "/x");
       f.client().send(s, "half");
       App& app = f.accept_request();
       f.until([&] { return app.body() == "half"; });
       f.client().reset(s);
       EXPECT_TRUE(f.await_cut(app));
       EXPECT_FALSE(app.has_request());
       EXPECT_EQ(app.body(), "half");
       f.expect_gone("/x", kNoResponse);
       f.expect_pool(0);
     }},
    {"ClientThatGoesWhileItWaitsCancelsItsRequest",
     [](Flow& f) {
       const Stream s = f.get("/x");
       App& app = f.accept_request();
       f.client().reset(s);
       EXPECT_TRUE(f.await_cut(app));
       f.expect_gone("/x", kNoResponse);
       f.expect_pool(0);
     }},
    {"ClientThatGoesInItsAnswerLeavesNothingOfItToOthers",
     [](Flow& f) {
       const Stream s = f.get("/x");
       App& app = f.accept_request();
       app.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nAAAAA");
       f.until([&] { return f.response(s).body == "AAAAA"; });
       f.client().reset(s);
       EXPECT_TRUE(f.await_cut(app));
       f.expect_gone("/x", 200);
       f.expect_pool(0);
     }},
    {"ClientThatGoesWithItsConnectionCancelsEverythingOnIt",
     [](Flow& f) {
       f.get("/1");
       App& first = f.accept_request();
       f.open_post(BodyLength::unknown(), "/2");
       App& second = f.accept_request();
       f.client().leave();
       EXPECT_TRUE(f.await_cut(first));
       EXPECT_TRUE(f.await_cut(second));
       f.expect_gone("/1", kNoResponse);
       f.expect_gone("/2", kNoResponse);
       f.expect_pool(0);
     }},
    {"ResetStreamLeavesTheOtherAlone",
     [](Flow& f) {
       const Stream gone = f.get("/gone");
       App& gone_app = f.accept_request();
       const Stream stays = f.get("/stays");
       App& app = f.accept_request();
       f.client().reset(gone);
       EXPECT_TRUE(f.await_cut(gone_app));
       f.expect_gone("/gone", kNoResponse);
       f.respond(app, ok("still here"), stays);
       f.expect_response(stays, 200, "still here");
       f.expect_pool(1);
     },
     kMultiplexed},
    {"BodyShorterThanItsLengthIsNeverACompleteRequest",
     [](Flow& f) {
       const Stream s = f.open_post(BodyLength::known(10), "/x");
       App& app = f.accept_request();
       f.client().send(s, "short");
       f.client().finish(s);
       f.expect_fault(s, Fault::kRequestBodyInvalid);
       EXPECT_TRUE(f.await_cut(app));
       EXPECT_FALSE(app.has_request());
       f.expect_pool(0);
     },
     kMultiplexed},
    {"BodyLongerThanItsLengthIsNotPassedOn",
     [](Flow& f) {
       const Stream s = f.open_post(BodyLength::known(5), "/x");
       App& app = f.accept_request();
       f.client().send(s, "much too long");
       f.client().finish(s);
       f.expect_fault(s, Fault::kRequestBodyInvalid);
       EXPECT_TRUE(f.await_cut(app));
       EXPECT_EQ(app.body().find("too long"), std::string::npos);
       f.expect_pool(0);
     },
     kMultiplexed},
    {"LengthOnAHeadThatEndsTheRequestIsMalformed",
     [](Flow& f) {
       const Stream s = f.get("/x", {{"content-length", "5"}});
       f.expect_fault(s, Fault::kMalformedRequest);
       EXPECT_TRUE(f.nobody_connects());
     },
     kMultiplexed},
    {"MalformedMessageLeavesThoseBesideItAlone",
     [](Flow& f) {
       const Stream stays = f.get("/stays");
       App& app = f.accept_request();
       for (int i = 0; i < 20; ++i) {
         const Stream s = f.get("/x", {{"content-length", "5"}});
         f.expect_fault(s, Fault::kMalformedRequest);
       }
       EXPECT_TRUE(f.nobody_connects());
       f.respond(app, ok("still here"), stays);
       f.expect_response(stays, 200, "still here");
       f.expect_pool(1);
     },
     kMultiplexed},
    {"BodyAnnouncedTooLargeIs413AndTheAppNeverHearsOfIt",
     [](Flow& f) {
       f.options.limits.max_request_body = 1000;
       const Stream s = f.open_post(BodyLength::known(1001));
       f.expect_fault(s, Fault::kBodyTooLarge);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"BodyThatGrowsTooLargeIs413AndTheAppNeverSeesItsEnd",
     [](Flow& f) {
       f.options.limits.max_request_body = 1000;
       const Stream s = f.open_post(BodyLength::unknown());
       f.client().send(s, pattern(900));
       App& app = f.accept_request();
       f.until([&] { return app.body().size() == 900; });
       f.client().send(s, pattern(200));
       f.expect_fault(s, Fault::kBodyTooLarge);
       EXPECT_TRUE(f.await_cut(app));
       EXPECT_FALSE(app.has_request());
       EXPECT_LE(app.body().size(), 1000U);
       f.expect_pool(0);
     }},
    {"BodyOfExactlyTheLimitPasses",
     [](Flow& f) {
       f.options.limits.max_request_body = 1000;
       const Stream s = f.post(pattern(1000), BodyLength::unknown());
       App& app = f.accept();
       f.await_request(app);
       f.respond(app, ok("fits"), s);
       f.expect_response(s, 200, "fits");
     }},
    {"BodyThatStopsComingIs408",
     [](Flow& f) {
       f.options.limits.request_body_timeout = 2s;
       const Stream s = f.open_post(BodyLength::known(10));
       f.client().send(s, "half");
       App& app = f.accept_request();
       f.pass(1500ms);
       EXPECT_FALSE(f.over(s));
       f.client().send(s, "!");  // slow, but not silent
       f.pass(1500ms);
       EXPECT_FALSE(f.over(s));
       f.pass(1s);
       f.expect_fault(s, Fault::kRequestBodyTimeout);
       EXPECT_TRUE(f.await_cut(app));
       f.expect_pool(0);
     }},
    {"HeadWithTooManyFieldsIs431",
     [](Flow& f) {
       Fields fields;
       for (int i = 0; i < 101; ++i) fields.emplace_back("x-" + std::to_string(i), "1");
       const Stream s = f.get("/x", fields);
       f.until([&] { return f.over(s); });
       EXPECT_EQ(f.response(s).status, 431);
       EXPECT_TRUE(f.nobody_connects());
       EXPECT_EQ(f.only_record().fault, Fault::kHeadersTooLarge);
     }},
};

}  // namespace
}  // namespace gatehouse::flow
