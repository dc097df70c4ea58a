// Who may ask, by name: passwords and tokens, and what becomes of a request while they are verified on another thread.
// The same for every protocol, but for sign-ins of several legs, which belong to a connection.
#include <memory>
#include <semaphore>
#include <string>
#include <utility>

#include "common/text.h"
#include "proxy/gates/auth_gate.h"
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

// alice's password is "wonderland".
constexpr const char* kUsers = "alice:$2y$05$abcdefghijklmnopqrstuuA0vov2GDneHB3.8.cv9UF9g.RdvScIW\n";

// "for:NAME" signs in, "first" and then "second" as carol; every other token is refused. A held one waits until it is
// let go.
class ScriptedTokens final : public TokenAcceptor {
 public:
  AuthOutcome accept(Leg leg) const override {
    started_.release();
    if (held_) let_go_.acquire();
    AuthOutcome outcome;
    if (leg.token == "first") {
      outcome.kind = AuthOutcome::Kind::kContinues;
      outcome.token = "go on";
      outcome.leg = std::make_unique<Belonging>();
    } else if (leg.token == "second" && leg.before) {
      outcome = accepted("carol@TEST");
    } else if (leg.token.starts_with("for:")) {
      outcome = accepted(leg.token.substr(4));
    }
    return outcome;
  }
  void hold() { held_ = true; }
  void let_go(std::ptrdiff_t count) const { let_go_.release(count); }
  bool started() const { return started_.try_acquire(); }

 private:
  static AuthOutcome accepted(std::string user) {
    return {.kind = AuthOutcome::Kind::kAccepted, .user = std::move(user), .token = "proof"};
  }
  bool held_ = false;
  mutable std::counting_semaphore<> let_go_{0};
  mutable std::counting_semaphore<> started_{0};
};

std::shared_ptr<KnownUsers> users() {
  return std::make_shared<KnownUsers>(PasswordFile::parse(kUsers).value());
}

AuthGate::Options options_with(std::shared_ptr<const TokenAcceptor> tokens, StepThreads::Limits limits = {}) {
  return {.realm = "shop",
          .users = users(),
          .negotiate = std::move(tokens),
          .threads = std::make_shared<StepThreads>(limits)};
}

void guard(Flow& f, AuthGate::Options options = options_with(nullptr)) {
  f.options.route.auth = std::make_shared<const AuthGate>(std::move(options));
}

Fields basic(const std::string& pair) {
  return {{"authorization", "Basic " + text::base64(pair)}};
}

Fields negotiate(const std::string& token) {
  return {{"authorization", "Negotiate " + text::base64(token)}};
}

const Table kTable = {
    {"WhoDoesNotSignInGets401AndIsToldHow",
     [](Flow& f) {
       guard(f, options_with(std::make_shared<ScriptedTokens>()));
       const Stream s = f.get();
       f.expect_fault(s, Fault::kAuthRequired);
       EXPECT_EQ(f.response(s).field("www-authenticate"), R"(Negotiate, Basic realm="shop", charset="UTF-8")");
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"WhoSignsInByAPasswordIsNamedToTheAppWhichDoesNotSeeIt",
     [](Flow& f) {
       guard(f);
       const Stream s = f.get("/", basic("alice:wonderland"));
       App& app = f.accept_request();
       EXPECT_EQ(app.field("X-Forwarded-User"), "alice");
       EXPECT_EQ(app.field("Authorization"), "");
       f.respond(app, ok("hello"), s);
       f.expect_response(s, 200, "hello");
     }},
    {"WrongPasswordsAndStrangersAreRefusedAlike",
     [](Flow& f) {
       guard(f);
       for (const char* pair : {"alice:looking-glass", "mallory:wonderland", "alice:", ":", "alice"}) {
         const Stream s = f.get("/", basic(pair));
         f.expect_fault(s, Fault::kAuthFailed);
         EXPECT_EQ(f.response(s).field("www-authenticate"), R"(Basic realm="shop", charset="UTF-8")");
       }
       f.expect_fault(f.get("/", {{"authorization", "Basic *"}}), Fault::kAuthFailed);
       f.expect_fault(f.get("/", {{"authorization", "Bearer x"}}), Fault::kAuthRequired);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"NobodyButWeSaysWhoHasSignedIn",
     [](Flow& f) {
       AuthGate::Options options = options_with(nullptr);
       options.anonymous = true;
       guard(f, std::move(options));
       f.options.policy.trusted_proxies = {AddressRange::parse("192.0.2.0/24").value()};
       const Stream s =
           f.get("/", {{"x-forwarded-user", "evil"}, {"x_forwarded_user", "evil"}, {"remote-user", "proxy"}});
       App& app = f.accept_request();
       EXPECT_EQ(app.head().find("evil"), std::string::npos) << app.head();
       EXPECT_EQ(app.field("Remote-User"), "proxy");
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
     }},
    {"WhoMayAskWithoutANameKeepsCredentialsThatAreTheApps",
     [](Flow& f) {
       AuthGate::Options options = options_with(nullptr);
       options.anonymous = true;
       guard(f, std::move(options));
       const Stream s = f.get("/", {{"authorization", "Bearer token"}});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("Authorization"), "Bearer token");
       EXPECT_EQ(app.field("X-Forwarded-User"), "");
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
       f.expect_fault(f.get("/", basic("alice:wrong")), Fault::kAuthFailed);
     }},
    {"WhoSignsInByATokenGetsOursWithTheAnswer",
     [](Flow& f) {
       guard(f, options_with(std::make_shared<ScriptedTokens>()));
       const Stream s = f.get("/", negotiate("for:bob@TEST"));
       App& app = f.accept_request();
       EXPECT_EQ(app.field("X-Forwarded-User"), "bob@TEST");
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
       EXPECT_EQ(f.response(s).field("www-authenticate"), "Negotiate " + text::base64("proof"));
       f.expect_fault(f.get("/", negotiate("nonsense")), Fault::kAuthFailed);
     }},
    {"UploadWaitsUntilItsSignInIsVerified",
     [](Flow& f) {
       const auto tokens = std::make_shared<ScriptedTokens>();
       tokens->hold();
       guard(f, options_with(tokens));
       const std::string body = pattern(1'000'000);
       const Stream s =
           f.begin({.method = "POST", .fields = negotiate("for:bob"), .body = BodyLength::known(body.size())});
       f.client().send(s, body);
       f.client().finish(s);
       f.until([&] { return tokens->started(); });
       EXPECT_TRUE(f.nobody_connects());
       EXPECT_GT(f.client().unsent(s), body.size() / 2);
       tokens->let_go(1);
       App& app = f.accept();
       f.await_request(app);
       EXPECT_EQ(app.body(), body);
       f.respond(app, ok("all"), s);
       f.expect_response(s, 200, "all");
     }},
    {"ClientThatLeavesTakesItsSignInBack",
     [](Flow& f) {
       const auto tokens = std::make_shared<ScriptedTokens>();
       tokens->hold();
       guard(f, options_with(tokens));
       const Stream s = f.begin({.method = "POST", .fields = negotiate("for:bob"), .body = BodyLength::known(10)});
       f.until([&] { return tokens->started(); });
       f.client().reset(s);
       f.expect_gone("/", 499);
       tokens->let_go(1);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"SignInsBeyondTheQueueGet503",
     [](Flow& f) {
       const auto tokens = std::make_shared<ScriptedTokens>();
       tokens->hold();
       guard(f, options_with(tokens, {.threads = 1, .waiting = 8, .of_client = 1}));
       const Stream runs = f.get("/runs", negotiate("nonsense"));
       f.until([&] { return tokens->started(); });
       const Stream waits = f.get("/waits", negotiate("nonsense"));
       f.settle();
       const Stream late = f.get("/late", negotiate("nonsense"));
       f.expect_fault(late, Fault::kAuthQueueFull);
       EXPECT_EQ(f.response(late).field("retry-after"), "1");
       tokens->let_go(2);
       f.expect_fault(runs, Fault::kAuthFailed);
       f.expect_fault(waits, Fault::kAuthFailed);
     }},
    {"SignInOfTwoLegsBelongsToAConnectionOfHttp11",
     [](Flow& f) {
       guard(f, options_with(std::make_shared<ScriptedTokens>()));
       const Stream first = f.get("/", negotiate("first"));
       f.expect_fault(first, f.is(Protocol::kH1) ? Fault::kAuthRequired : Fault::kHttp11Required);
       if (f.is(Protocol::kH1)) {
         EXPECT_EQ(f.response(first).field("www-authenticate"), "Negotiate " + text::base64("go on"));
       }
       const Stream second = f.get("/", negotiate("second"));
       if (!f.is(Protocol::kH1)) return f.expect_fault(second, Fault::kAuthFailed);
       App& app = f.accept_request();
       EXPECT_EQ(app.field("X-Forwarded-User"), "carol@TEST");
       f.respond(app, ok(""), second);
       f.expect_response(second, 200, "");
       f.expect_fault(f.get("/", negotiate("second")), Fault::kAuthFailed);
     }},
    {"SignInOfTwoLegsHasNoConnectionBehindATrustedProxy",
     [](Flow& f) {
       guard(f, options_with(std::make_shared<ScriptedTokens>()));
       f.options.policy.trusted_proxies = {AddressRange::parse("192.0.2.0/24").value()};
       Fields fields = negotiate("first");
       fields.emplace_back("x-forwarded-for", "198.51.100.1");
       f.expect_fault(f.get("/", fields), Fault::kAuthFailed);
     },
     kOnlyH1},
    {"FixedAnswersAndRedirectsAskWhoItIsToo",
     [](Flow& f) {
       const auto gate = std::make_shared<const AuthGate>(options_with(nullptr));
       f.options.others = {
           {.name = "said", .path = "/said", .action = RespondWith{.status = 200, .body = "secret"}, .auth = gate}};
       f.expect_fault(f.get("/said"), Fault::kAuthRequired);
       f.expect_response(f.get("/said", basic("alice:wonderland")), 200, "secret");
     }},
    {"BodyThatIsTooLargeEndsASignInThatIsBeingVerified",
     [](Flow& f) {
       const auto tokens = std::make_shared<ScriptedTokens>();
       tokens->hold();
       guard(f, options_with(tokens));
       f.options.limits.max_request_body = 1000;
       const Stream s = f.begin({.method = "POST", .fields = negotiate("for:bob"), .body = BodyLength::unknown()});
       f.until([&] { return tokens->started(); });
       f.client().send(s, std::string(2000, 'x'));
       f.until([&] { return f.over(s); });
       EXPECT_EQ(f.record("/").fault, Fault::kBodyTooLarge);
       tokens->let_go(1);
       EXPECT_TRUE(f.nobody_connects());
     }},
};

}  // namespace
}  // namespace gatehouse::flow
