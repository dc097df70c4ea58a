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
