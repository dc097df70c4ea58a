// A route with `auth`: what is answered at once, and what becomes of an exchange while its step is on a thread.
#include "proxy/forward/auth_responder.h"

#include <memory>
#include <semaphore>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "common/text.h"
#include "proxy/gates/auth_gate.h"
#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace testing_support;

constexpr const char* kUsers = "alice:$2y$05$abcdefghijklmnopqrstuuA0vov2GDneHB3.8.cv9UF9g.RdvScIW\n";

// Every token signs in, once it is let go; "more" wants another leg.
class HeldTokens final : public TokenAcceptor {
 public:
  AuthOutcome accept(Leg leg) const override {
    begun.release();
    go.acquire();
    AuthOutcome outcome;
    outcome.kind = leg.token == "more" && !leg.before ? AuthOutcome::Kind::kContinues : AuthOutcome::Kind::kAccepted;
    outcome.user = "bob@" + leg.server_end_point;
    outcome.token = "ours";
    if (outcome.kind == AuthOutcome::Kind::kContinues) outcome.leg = std::make_unique<Belonging>();
    return outcome;
  }
  mutable std::counting_semaphore<> begun{0};
  mutable std::counting_semaphore<> go{0};
};

class AuthResponderTest : public ForwardingTest {
 protected:
  AuthResponderTest() {
    Route route;
    route.auth = std::make_shared<const AuthGate>(
        AuthGate::Options{.realm = "shop",
                          .users = std::make_shared<KnownUsers>(PasswordFile::parse(kUsers).value()),
                          .negotiate = tokens,
                          .threads = std::make_shared<StepThreads>(StepThreads::Limits{})});
    guarded = routes_to(upstream, std::move(route));
  }
  TestExchange ask(const std::string& authorization, ClientInfo client = {}) {
    RequestHead head = request_head("GET");
    head.secure = true;
    if (!authorization.empty()) head.fields.add("Authorization", authorization);
    head.fields.add("Connection", "X-Forwarded-User");
    head.fields.add("X-Forwarded-User", "evil");
    return {world, guarded, std::move(head), std::move(client)};
  }
  static std::string basic(const std::string& pair) { return "Basic " + text::base64(pair); }
  static std::string negotiate(const std::string& token) { return "Negotiate " + text::base64(token); }
  static std::string challenge_of(TestExchange& e) {
    return std::string(e->response()->fields.find(FieldName::kWwwAuthenticate).value_or(""));
  }

  const std::shared_ptr<HeldTokens> tokens = std::make_shared<HeldTokens>();
  std::shared_ptr<const RouteTable> guarded;
};

TEST_F(AuthResponderTest, WhoSignsInIsRecordedAndNamedToTheEndpoint) {
  TestExchange e = ask(basic("alice:wonderland"));
  ScriptedConnection connection = world.accept(endpoint);
  const std::string request = carry(e, connection, kOkResponse);
  EXPECT_NE(request.find("X-Forwarded-User: alice\r\n"), std::string::npos) << request;
  EXPECT_EQ(request.find("evil"), std::string::npos) << request;
  EXPECT_EQ(request.find("Authorization"), std::string::npos) << request;
  EXPECT_EQ(e.status(), 200);
  EXPECT_EQ(e->record().user, "alice");
  EXPECT_EQ(e->record().auth.scheme, "basic");
  EXPECT_EQ(e->record().auth.outcome, "accepted");
}

TEST_F(AuthResponderTest, WithoutCredentialsOrWithWrongOnesItIs401WithAChallengeForEachScheme) {
  for (const std::string& authorization : {std::string(), basic("alice:wrong")}) {
    TestExchange e = ask(authorization);
    world.turn_until([&] { return e.over(); });
    EXPECT_EQ(e.status(), 401);
    EXPECT_EQ(e->response()->fields.count(FieldName::kWwwAuthenticate), 2U);
    EXPECT_EQ(challenge_of(e), "Negotiate");
    EXPECT_EQ(e->record().user, "");
    EXPECT_EQ(e->record().fault, authorization.empty() ? Fault::kAuthRequired : Fault::kAuthFailed);
  }
}

TEST_F(AuthResponderTest, EarlyDataIsAskedForAgainBeforeAnyStep) {
  TestExchange e = ask(negotiate("token"), {.early = true});
  world.settle();
  EXPECT_EQ(e.status(), 425);
  EXPECT_EQ(e->record().fault, Fault::kTooEarly);
  EXPECT_FALSE(tokens->begun.try_acquire());
}

TEST_F(AuthResponderTest, NothingReachesAnEndpointBeforeTheTokenIsVerified) {
  const auto tls = std::make_shared<const TlsSummary>(TlsSummary{.server_end_point = "here"});
  TestExchange e = ask(negotiate("token"), {.tls = tls});
  world.turn_until([&] { return tokens->begun.try_acquire(); });
  world.settle();
  EXPECT_FALSE(endpoint.accept().has_value());
  tokens->go.release();
  ScriptedConnection connection = world.accept(endpoint);
  const std::string request = carry(e, connection, kOkResponse);
  EXPECT_NE(request.find("X-Forwarded-User: bob@here\r\n"), std::string::npos) << request;
  EXPECT_EQ(challenge_of(e), "Negotiate " + text::base64("ours"));
}

TEST_F(AuthResponderTest, AnExchangeThatGoesTakesItsStepBack) {
  {
    TestExchange e = ask(negotiate("token"));
    world.turn_until([&] { return tokens->begun.try_acquire(); });
    e.destroy();
  }
  tokens->go.release();
  world.settle();
  EXPECT_FALSE(endpoint.accept().has_value());
}

TEST_F(AuthResponderTest, AnotherLegRestsWithTheConnectionOfHttp11) {
  BelongingsPtr belongings;
  tokens->go.release(2);
  TestExchange first = ask(negotiate("more"), {.belongings = &belongings});
  world.turn_until([&] { return first.over(); });
  EXPECT_EQ(first.status(), 401);
  EXPECT_EQ(challenge_of(first), "Negotiate " + text::base64("ours"));
  EXPECT_EQ(first->record().auth.outcome, "continued");
  ASSERT_TRUE(belongings && belongings->sign_in);
  TestExchange second = ask(negotiate("more"), {.belongings = &belongings});
  ScriptedConnection connection = world.accept(endpoint);
  carry(second, connection, kOkResponse);
  EXPECT_EQ(second.status(), 200);
  EXPECT_FALSE(belongings->sign_in);
}

TEST_F(AuthResponderTest, AnotherLegSendsWhoSharesAConnectionAway) {
  tokens->go.release(2);
  RequestHead head = request_head("GET");
  head.protocol = Protocol::kH2;
  head.fields.add("Authorization", negotiate("more"));
  TestExchange e(world, guarded, std::move(head), {.protocol = Protocol::kH2});
  world.turn_until([&] { return e->record().fault.has_value(); });
  EXPECT_EQ(e->record().fault, Fault::kHttp11Required);
}

}  // namespace
}  // namespace gatehouse
