// Who may ask: allow and deny of routes, by the address that is believed. The same for every kind of route.
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

// The client is 192.0.2.7.
AddressGate only(const char* allowed) {
  return {{AddressRange::parse(allowed).value()}, {}};
}

AddressGate all_but(const char* denied) {
  return {{}, {AddressRange::parse(denied).value()}};
}

const Table kTable = {
    {"WhoIsNotInAllowGets403AndNoEndpointIsAsked",
     [](Flow& f) {
       f.options.route.address_gate = only("10.0.0.0/8");
       const Stream s = f.get();
       f.expect_fault(s, Fault::kAccessDenied);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"WhoIsInAllowIsServed",
     [](Flow& f) {
       f.options.route.address_gate = only("192.0.2.0/24");
       const Stream s = f.get();
       App& app = f.accept_request();
       f.respond(app, ok("x"), s);
       f.expect_response(s, 200, "x");
     }},
    {"WhoIsInDenyGets403AlsoForAnUpload",
     [](Flow& f) {
       f.options.route.address_gate = all_but("192.0.2.7/32");
       const Stream s = f.open_post(BodyLength::known(100'000));
       f.client().send(s, std::string(100'000, 'x'));
       f.client().finish(s);
       f.until([&] { return f.over(s); });
       EXPECT_EQ(f.response(s).status, 403);
       EXPECT_EQ(f.record("/").fault, Fault::kAccessDenied);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"RedirectsAndResponsesHaveTheirGatesToo",
     [](Flow& f) {
       f.options.others = {
           {.name = "moved", .path = "/moved", .action = RedirectTo{.target = "/"}, .address_gate = only("10.0.0.0/8")},
           {.name = "said",
            .path = "/said",
            .action = RespondWith{.status = 200, .body = "secret"},
            .address_gate = all_but("192.0.2.0/24")},
           {.name = "open", .path = "/open", .action = RespondWith{.status = 200, .body = "hello"}}};
       const Stream moved = f.get("/moved");
       f.expect_fault(moved, Fault::kAccessDenied);
       EXPECT_EQ(f.response(moved).field("location"), "");
       const Stream said = f.get("/said");
       f.expect_fault(said, Fault::kAccessDenied);
       const Stream open = f.get("/open");
       f.expect_response(open, 200, "hello");
     }},
    {"ATrustedProxySaysWhoAsks",
     [](Flow& f) {
       f.options.policy.trusted_proxies = {AddressRange::parse("192.0.2.0/24").value()};
       f.options.route.address_gate = only("198.51.100.0/24");
       const Stream inside = f.get("/", {{"x-forwarded-for", "198.51.100.1"}});
       App& app = f.accept_request();
       f.respond(app, ok("x"), inside);
       f.expect_response(inside, 200, "x");
       const Stream outside = f.get("/", {{"x-forwarded-for", "203.0.113.1"}});
       f.expect_fault(outside, Fault::kAccessDenied);
       const Stream proxy = f.get();
       f.expect_fault(proxy, Fault::kAccessDenied);
     }},
    {"NobodyElseSaysWhoAsks",
     [](Flow& f) {
       f.options.route.address_gate = only("198.51.100.0/24");
       const Stream s = f.get("/", {{"x-forwarded-for", "198.51.100.1"}});
       f.expect_fault(s, Fault::kAccessDenied);
     }},
};

}  // namespace
}  // namespace gatehouse::flow
