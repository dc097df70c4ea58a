// Connections that are to end: what runs on them is finished, nothing new begins, and a deadline is one.
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

const Table kTable = {
    {"DrainLetsTheRequestFinishAndTakesNoMore",
     [](Flow& f) {
       const Stream s = f.get("/x");
       App& app = f.accept_request();
       f.drain();
       f.pass(100ms);
       EXPECT_FALSE(f.over(s));
       app.say("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nlast ");
       f.until([&] { return f.response(s).body == "last "; });
       EXPECT_TRUE(f.client().connected(s));
       app.say("one");
       f.expect_response(s, 200, "last one");
       EXPECT_FALSE(f.client().usable(s));
       f.until([&] { return f.front().connections() == 0; });
       f.settle();
       EXPECT_FALSE(f.client().connected(s));
       f.finish(Flow::Probe::kNo);
     }},
    {"DrainClosesWhatIsIdle",
     [](Flow& f) {
       const Stream s = f.get("/x");
       App& app = f.accept_request();
       f.respond(app, ok("x"), s);
       f.expect_response(s, 200, "x");
       EXPECT_TRUE(f.client().usable(s));
       f.drain();
       f.until([&] { return f.front().connections() == 0; });
       f.settle();
       EXPECT_FALSE(f.client().usable(s));
       f.finish(Flow::Probe::kNo);
     }},
    {"DeadlineOfADrainBreaksOffWhatStillRuns",
     [](Flow& f) {
       const Stream s = f.get("/x");
       App& app = f.accept_request();
       app.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
       f.until([&] { return f.response(s).body == "half"; });
       f.drain();
       f.settle();
       f.front().close_now();
       f.until([&] { return f.over(s); });
       EXPECT_EQ(f.response(s).end, End::kBroken);
       EXPECT_TRUE(f.await_cut(app));
       EXPECT_EQ(f.record("/x").status, 200);
       f.finish(Flow::Probe::kNo);
     }},
    {"LastRequestThatAConnectionMayCarrySaysSo",
     [](Flow& f) {
       f.options.policy.connection.max_requests = 2;
       const Stream first = f.get("/1");
       App& app = f.accept_request();
       f.respond(app, ok("one"), first);
       f.expect_response(first, 200, "one");
       EXPECT_TRUE(f.client().usable(first));
       const Stream second = f.get("/2");
       f.await_head(app);
       f.respond(app, ok("two"), second);
       f.expect_response(second, 200, "two");
       EXPECT_FALSE(f.client().usable(second));
     }},
};

}  // namespace
}  // namespace gatehouse::flow
