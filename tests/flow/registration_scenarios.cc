// What a process has registered for itself is a route as others are, on every protocol.
#include <unistd.h>

#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

const Table kTable = {
    {"ARegisteredAppIsServedBelowItsPrefixAndNowhereElse",
     [](Flow& f) {
       f.options.registered = "https://shop.test/orders/";
       const Stream s = f.get("/orders/7?x=1");
       f.respond(f.accept_request(), ok("seven"), s);
       f.expect_response(s, 200, "seven");
       f.expect_fault(f.get("/ordersx"), Fault::kNoRoute);
       f.expect_fault(f.get("/"), Fault::kNoRoute);
     }},
    {"ARegistrationIsForItsPortAndHostAlone",
     [](Flow& f) {
       f.options.registered = "https://shop.test:8443/orders/";
       f.expect_fault(f.get("/orders/7"), Fault::kNoRoute);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"AStrongWildcardComesBeforeTheRoutesOfAHost",
     [](Flow& f) {
       f.options.registered = "https://+:443/orders/";
       f.options.others = {
           {.name = "said", .hosts = {"shop.test"}, .action = RespondWith{.status = 200, .body = "configured"}}};
       const Stream s = f.get("/orders/7");
       f.respond(f.accept_request(), ok("registered"), s);
       f.expect_response(s, 200, "registered");
       const Stream other = f.get("/else");
       f.expect_response(other, 200, "configured");
     }},
    {"APathThatMayLeadOutOfARegistrationIs400",
     [](Flow& f) {
       f.options.registered = "https://shop.test/orders/";
       f.expect_fault(f.get("/orders/..%2fadmin"), Fault::kAmbiguousPath);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"AnotherUserOnTheRegisteredPortGetsNothingAndTheClient502",
     [](Flow& f) {
       f.options.registered = "https://shop.test/orders/";
       f.options.listening_user = ::geteuid() + 1;
       const Stream s = f.begin({.method = "POST", .target = "/orders/", .body = BodyLength::known(6)});
       f.client().send(s, "secret");
       f.client().finish(s);
       f.expect_fault(s, Fault::kForeignListener);
       App& stranger = f.accept();
       EXPECT_TRUE(f.await_cut(stranger));
       EXPECT_EQ(stranger.received(), 0U);
       f.expect_pool(0);
       f.finish(Flow::Probe::kNo);  // it would fare no better
     }},
};

}  // namespace
}  // namespace gatehouse::flow
