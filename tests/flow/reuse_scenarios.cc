// Whose answer, and whose identity, is on a connection to an app that has carried a request before: never somebody
// else's.
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

// An app that has answered one request, and whose connection is kept.
App& kept(Flow& f) {
  const Stream s = f.get("/before");
  App& app = f.accept_request();
  f.respond(app, ok("x"), s);
  f.expect_response(s, 200, "x");
  f.expect_pool(1);
  app.forget();
  return app;
}

// The app remembers who authenticated, as IIS does: the next request must come on another connection.
void gives_an_identity(Flow& f, const Fields& fields, const std::string& response, int status) {
  const Stream s = f.get("/who", fields);
  App& identified = f.accept_request();
  f.respond(identified, response, s);
  f.expect_response(s, status, "you");
  EXPECT_TRUE(f.await_cut(identified));
  f.expect_pool(0);
  EXPECT_TRUE(f.client().usable(s));

  const Stream anonymous = f.get("/who");
  App& other = f.accept_request();
  EXPECT_FALSE(other.has("Authorization"));
  f.respond(other, ok("nobody"), anonymous);
  f.expect_response(anonymous, 200, "nobody");
  f.expect_pool(1);
}

void stays_anybodys(Flow& f, const Fields& fields, const std::string& response, int status) {
  const Stream s = f.get("/who", fields);
  App& app = f.accept_request();
  f.respond(app, response, s);
  f.expect_response(s, status, "you");
  f.expect_pool(1);
}

std::string unauthorized(const std::string& challenge) {
  return "HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\nWWW-Authenticate: " + challenge + "\r\n\r\nyou";
}

// Where the route lets clients authenticate by their connections.
void with_connection_auth(Flow& f) {
  f.options.route.h1_only = true;
  f.options.route.connection_auth = true;
}

// The three steps of NTLM, on one connection of the client and one of the app.
App& authenticated(Flow& f) {
  const Stream asked = f.get("/who");
  App& app = f.accept_request();
  f.respond(app, unauthorized("NTLM"), asked);
  f.expect_response(asked, 401, "you");
  const Stream negotiated = f.get("/who", {{"authorization", "NTLM TlRMTVNTUAAB"}});
  f.await_head(app);
  EXPECT_EQ(app.field("Authorization"), "NTLM TlRMTVNTUAAB");
  f.respond(app, unauthorized("NTLM TlRMTVNTUAAC"), negotiated);
  EXPECT_EQ(f.response(negotiated).field("www-authenticate"), "NTLM TlRMTVNTUAAC");
  f.expect_response(negotiated, 401, "you");
  const Stream proved = f.get("/who", {{"authorization", "NTLM TlRMTVNTUAAD"}});
  f.await_head(app);
  f.respond(app, ok("alice"), proved);
  f.expect_response(proved, 200, "alice");
  f.expect_pool(0);
  return app;
}

// Bytes that come behind an answer, in a segment of their own, and then a request: on another connection.
void speaks_late(Flow& f, const std::string& method) {
  App& evil = kept(f);
  const Stream s = f.begin({.method = method, .target = "/again"});
  evil.say(ok("EVIL"));
  App& fresh = f.accept_request();
  EXPECT_TRUE(evil.cut());
  EXPECT_EQ(evil.received(), 0U) << "a request was sent to who had spoken before it";
  f.respond(fresh, ok("right"), s);
  f.expect_response(s, 200, "right");
  f.expect_pool(1);
}

const Table kTable = {
    {"ConnectionOfARequestWithNegotiateIsNotUsedAgain",
     [](Flow& f) { gives_an_identity(f, {{"authorization", "Negotiate YIIabc=="}}, ok("you"), 200); }},
    {"ConnectionOfARequestWithNtlmIsNotUsedAgain",
     [](Flow& f) { gives_an_identity(f, {{"authorization", "ntlm TlRMTVNTUAAB"}}, ok("you"), 200); }},
    {"ConnectionOnWhichNegotiateWasOfferedIsNotUsedAgain",
     [](Flow& f) { gives_an_identity(f, {}, unauthorized("Negotiate"), 401); }},
    {"ConnectionOnWhichNtlmWasOfferedBesideBasicIsNotUsedAgain",
     [](Flow& f) { gives_an_identity(f, {}, unauthorized("Basic realm=\"a, b\", NTLM"), 401); }},
    {"ConnectionThatSaysThatItsAuthenticationPersistsIsNotUsedAgain",
     [](Flow& f) { gives_an_identity(f, {}, ok("you", "Persistent-Auth: true\r\n"), 200); }},
    {"ConnectionOfARequestWithATokenOfItsOwnIsUsedAgain",
     [](Flow& f) { stays_anybodys(f, {{"authorization", "Bearer ntlm"}}, ok("you"), 200); }},
    {"ConnectionOnWhichBasicWasOfferedIsUsedAgain",
     [](Flow& f) { stays_anybodys(f, {}, unauthorized("Basic realm=\"x, NTLM\", ntlm=1"), 401); }},
    {"IdentityStaysWithTheConnectionOfWhoAuthenticated",
     [](Flow& f) {
       with_connection_auth(f);
       App& of_alice = authenticated(f);
       // While her connection is busy, the client of this story opens another one: somebody else's.
       const Stream alice = f.get("/alice");
       f.await_head(of_alice);
       const Stream stranger = f.get("/stranger");
       App& of_others = f.accept_request();
       EXPECT_EQ(of_others.line(), "GET /stranger HTTP/1.1");
       EXPECT_EQ(of_alice.line(), "GET /alice HTTP/1.1");
       EXPECT_FALSE(of_alice.has("Authorization"));
       f.respond(of_others, ok("nobody"), stranger);
       f.expect_response(stranger, 200, "nobody");
       f.respond(of_alice, ok("alice"), alice);
       f.expect_response(alice, 200, "alice");
       f.expect_pool(1);
       // Each of them once more, at the same time.
       const Stream again = f.get("/alice");
       const Stream stranger_again = f.get("/stranger");
       f.await_head(of_alice);
       f.await_head(of_others);
       EXPECT_EQ(of_alice.line(), "GET /alice HTTP/1.1");
       EXPECT_EQ(of_others.line(), "GET /stranger HTTP/1.1");
       f.respond(of_alice, ok("alice"), again);
       f.respond(of_others, ok("nobody"), stranger_again);
       f.expect_response(again, 200, "alice");
       f.expect_response(stranger_again, 200, "nobody");
       EXPECT_TRUE(f.nobody_connects());
       f.client().leave();
       EXPECT_TRUE(f.await_cut(of_alice));
       EXPECT_FALSE(of_others.cut());
     },
     kOnlyH1},
    {"IdentityIsNotForRoutesThatKnowNoIdentities",
     [](Flow& f) {
       with_connection_auth(f);
       App& of_alice = authenticated(f);
       const Stream s = f.begin({.target = "/plain", .authority = "probe.test"});
       App& app = f.accept_request();
       EXPECT_EQ(app.line(), "GET /plain HTTP/1.1");
       f.respond(app, ok("nobody"), s);
       f.expect_response(s, 200, "nobody");
       const Stream alice = f.get("/alice");
       f.await_head(of_alice);
       f.respond(of_alice, ok("alice"), alice);
       f.expect_response(alice, 200, "alice");
       f.expect_pool(1);
     },
     kOnlyH1},
    {"IdentityEndsWithAnAnswerThatBreaksOff",
     [](Flow& f) {
       with_connection_auth(f);
       App& of_alice = authenticated(f);
       const Stream broken = f.get("/alice");
       f.await_head(of_alice);
       of_alice.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nal");
       of_alice.close();
       f.expect_fault(broken, Fault::kUpstreamTruncated, Stage::kAfterHead);
       const Stream s = f.get("/alice");
       App& fresh = f.accept_request();
       f.respond(fresh, ok("nobody"), s);
       f.expect_response(s, 200, "nobody");
       f.expect_pool(1);
     },
     kOnlyH1},
    {"RouteWithIdentitiesSendsTheOthersBackToHttp11",
     [](Flow& f) {
       with_connection_auth(f);
       const Stream s = f.get("/who", {{"authorization", "Negotiate YIIabc=="}});
       f.expect_fault(s, Fault::kHttp11Required);
       EXPECT_TRUE(f.nobody_connects());
     },
     kMultiplexed},
    {"LateBytesBehindAnAnswerAreNotTheAnswerToAGet", [](Flow& f) { speaks_late(f, "GET"); }},
    {"LateBytesBehindAnAnswerAreNotTheAnswerToAPost", [](Flow& f) { speaks_late(f, "POST"); }},
    {"KeptConnectionThatClosesBeforeAPostLeavesIsReplaced",
     [](Flow& f) {
       App& gone = kept(f);
       const Stream s = f.begin({.method = "POST", .target = "/again"});
       gone.close();
       App& fresh = f.accept_request();
       f.respond(fresh, ok("right"), s);
       f.expect_response(s, 200, "right");
     }},
};

}  // namespace
}  // namespace gatehouse::flow
