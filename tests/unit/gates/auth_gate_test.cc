// What is decided at once, and what a step has come to.
#include "proxy/gates/auth_gate.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/text.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kUsers = "alice:$2y$05$abcdefghijklmnopqrstuuA0vov2GDneHB3.8.cv9UF9g.RdvScIW\n";
constexpr const char* kOffer = R"(Basic realm="shop/\"quoted\"", charset="UTF-8")";

class NoTokens final : public TokenAcceptor {
 public:
  AuthOutcome accept(Leg) const override { return {.why = "none is good"}; }
};

class AuthGateTest : public testing::Test {
 protected:
  AuthGate gate(bool anonymous = false) const {
    return AuthGate({.realm = "shop/\"quoted\"", .anonymous = anonymous, .users = users_, .threads = threads_});
  }
  AuthGate both() const {
    return AuthGate({.realm = "shop", .users = users_, .negotiate = std::make_shared<NoTokens>(), .threads = threads_});
  }
  AuthRequest request(const std::string& authorization, bool secure = true) {
    fields_.clear();
    if (!authorization.empty()) fields_.add("Authorization", authorization);
    return {.fields = fields_, .secure = secure, .now = MonotonicTime(std::chrono::hours(1))};
  }
  static std::string basic(const std::string& pair) { return "Basic " + text::base64(pair); }

  FieldList fields_;
  std::shared_ptr<KnownUsers> users_ = std::make_shared<KnownUsers>(PasswordFile::parse(kUsers).value());
  std::shared_ptr<StepThreads> threads_ = std::make_shared<StepThreads>(StepThreads::Limits{});
};

TEST_F(AuthGateTest, WithoutCredentialsItSaysHowToSignIn) {
  const auto decision = gate().decide(request(""));
  const auto& refusal = std::get<AuthRefusal>(decision);
  EXPECT_EQ(refusal.fault, Fault::kAuthRequired);
  EXPECT_THAT(refusal.challenges, ElementsAre(kOffer));
  EXPECT_EQ(refusal.scheme, "none");
  EXPECT_EQ(refusal.outcome, "required");
}

TEST_F(AuthGateTest, InTheClearPasswordsAreNeitherOfferedNorTaken) {
  const auto nothing = gate().decide(request("", false));
  EXPECT_EQ(std::get<AuthRefusal>(nothing).fault, Fault::kAuthNeedsTls);
  EXPECT_THAT(std::get<AuthRefusal>(nothing).challenges, IsEmpty());
  const auto password = both().decide(request(basic("alice:wonderland"), false));
  EXPECT_EQ(std::get<AuthRefusal>(password).fault, Fault::kAuthNeedsTls);
  EXPECT_EQ(std::get<AuthRefusal>(password).outcome, "in_clear");
  const auto with_tickets = both().decide(request("", false));
  EXPECT_EQ(std::get<AuthRefusal>(with_tickets).fault, Fault::kAuthRequired);
  EXPECT_THAT(std::get<AuthRefusal>(with_tickets).challenges, ElementsAre("Negotiate"));
}

TEST_F(AuthGateTest, APasswordIsVerifiedOnceAndKnownForAWhile) {
  const AuthGate asked = gate();
  const std::string credentials = "bAsIc  " + text::base64("alice:wonderland");
  auto first = asked.decide(request(credentials));
  AuthStep& step = std::get<AuthStep>(first);
  EXPECT_EQ(step.scheme, "basic");
  const AuthOutcome outcome = step.run();
  const auto passed = asked.settle(outcome, step, request(credentials));
  EXPECT_EQ(std::get<AuthPass>(passed).user, "alice");
  EXPECT_EQ(std::get<AuthPass>(passed).outcome, "accepted");
  const auto again = asked.decide(request(credentials));
  EXPECT_EQ(std::get<AuthPass>(again).user, "alice");
  EXPECT_EQ(std::get<AuthPass>(again).outcome, "known");
  AuthRequest later = request(credentials);
  later.now += KnownCredentials::kLife;
  EXPECT_TRUE(std::holds_alternative<AuthStep>(asked.decide(later)));
  EXPECT_TRUE(std::holds_alternative<AuthStep>(asked.decide(request(basic("alice:wonder")))));
}

TEST_F(AuthGateTest, AWrongPasswordIsRefusedEachTime) {
  const AuthGate asked = gate();
  for (int i = 0; i < 2; ++i) {
    auto decision = asked.decide(request(basic("alice:looking-glass")));
    AuthStep& step = std::get<AuthStep>(decision);
    const AuthOutcome outcome = step.run();
    EXPECT_EQ(outcome.kind, AuthOutcome::Kind::kRefused);
    const auto settled = asked.settle(outcome, step, request(basic("alice:looking-glass")));
    EXPECT_EQ(std::get<AuthRefusal>(settled).fault, Fault::kAuthFailed);
    EXPECT_THAT(std::get<AuthRefusal>(settled).challenges, ElementsAre(kOffer));
  }
}

TEST_F(AuthGateTest, TwoCredentialsAreNone) {
  AuthRequest twice = request(basic("alice:wonderland"));
  fields_.add("Authorization", basic("alice:wonderland"));
  EXPECT_EQ(std::get<AuthRefusal>(gate().decide(twice)).fault, Fault::kAuthFailed);
  EXPECT_EQ(std::get<AuthRefusal>(gate(true).decide(twice)).fault, Fault::kAuthFailed);
}

TEST_F(AuthGateTest, WhoMayGoOnWithoutANameDoesUnlessWhatIsShownIsWrong) {
  for (const char* authorization : {"", "Bearer token", "Negotiate AAAA"}) {
    const auto decision = gate(true).decide(request(authorization));
    EXPECT_EQ(std::get<AuthPass>(decision).user, "") << authorization;
    EXPECT_EQ(std::get<AuthPass>(decision).outcome, "anonymous") << authorization;
  }
  EXPECT_EQ(std::get<AuthRefusal>(gate(true).decide(request("Basic !"))).fault, Fault::kAuthFailed);
}

TEST_F(AuthGateTest, TokensAreForTheAcceptorIfTheyAreBase64) {
  auto decision = both().decide(request("negotiate " + text::base64("token")));
  EXPECT_EQ(std::get<AuthStep>(decision).run().why, "none is good");
  for (const char* authorization : {"Negotiate", "Negotiate ", "Negotiate ?"}) {
    EXPECT_EQ(std::get<AuthRefusal>(both().decide(request(authorization))).fault, Fault::kAuthFailed) << authorization;
  }
}

}  // namespace
}  // namespace gatehouse
