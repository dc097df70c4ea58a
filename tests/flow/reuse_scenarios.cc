// Whose answer, and whose identity, is on a connection to an app that has carried a request before: never somebody
// else's (FAULTS U08, U09, U34, U41).
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

// The app remembers who authenticated, as IIS does: the next request must come on another connection.
void gives_an_identity(Flow& f, const Fields& fields, const std::string& answer, int status) {
  const Stream s = f.get("/who", fields);
  App& identified = f.accept_request();
  f.respond(identified, answer, s);
  f.expect_answer(s, status, "you");
  EXPECT_TRUE(f.await_cut(identified));
  f.expect_pool(0);
  EXPECT_TRUE(f.client().usable(s));

  const Stream anonymous = f.get("/who");
  App& other = f.accept_request();
  EXPECT_FALSE(other.has("Authorization"));
  f.respond(other, ok("nobody"), anonymous);
  f.expect_answer(anonymous, 200, "nobody");
  f.expect_pool(1);
}

void stays_anybodys(Flow& f, const Fields& fields, const std::string& answer, int status) {
  const Stream s = f.get("/who", fields);
  App& app = f.accept_request();
  f.respond(app, answer, s);
  f.expect_answer(s, status, "you");
  f.expect_pool(1);
}

std::string unauthorized(const std::string& challenge) {
  return "HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\nWWW-Authenticate: " + challenge + "\r\n\r\nyou";
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
};

}  // namespace
}  // namespace gatehouse::flow
