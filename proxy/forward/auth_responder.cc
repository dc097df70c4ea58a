#include "proxy/forward/auth_responder.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "common/event_loop.h"
#include "common/log_limit.h"
#include "common/loop_question.h"
#include "common/text.h"
#include "proxy/gates/auth_gate.h"
#include "proxy/http/disguise.h"
#include "proxy/http/error_page.h"
#include "proxy/http/forwarded.h"

namespace gatehouse::auth_responder {

namespace {

constexpr std::string_view kUserField = "X-Forwarded-User";

constinit log::Limited refused_sign_ins("sign-ins that were refused");

AuthRequest request_of(const Exchange& exchange) {
  const ClientInfo& client = exchange.client();
  const RequestHead& head = exchange.request();
  return {.fields = head.fields,
          .secure = head.secure || https_said(client, head.fields),
          .server_end_point = client.tls ? std::string_view(client.tls->server_end_point) : std::string_view(),
          .now = exchange.loop().now()};
}

void note(Exchange& exchange, std::string_view scheme, std::string_view outcome) {
  exchange.record().auth = {.scheme = scheme, .outcome = outcome};
}

// The endpoint has no use for what we have verified, and a password is none of its business.
void enter(Exchange& exchange, AuthPass&& pass) {
  note(exchange, pass.scheme, pass.outcome);
  if (pass.user.empty()) return;
  exchange.record().user = std::move(pass.user);
  exchange.request().fields.remove(FieldName::kAuthorization);
}

std::unique_ptr<Belonging> take_leg(const Exchange& exchange) {
  const BelongingsPtr* const belongings = exchange.client().belongings;
  if (belongings == nullptr || !*belongings || exchange.client().forwarded_for) return nullptr;
  return std::move((*belongings)->sign_in);
}

class AuthResponder final : public Responder {
 public:
  AuthResponder(Exchange& exchange, const Route& route, std::variant<AuthRefusal, AuthStep> decision, Next next)
      : exchange_(exchange),
        route_(route),
        decision_(std::move(decision)),
        next_(std::move(next)),
        question_(exchange.loop(), [this](AuthOutcome outcome) { on_outcome(std::move(outcome)); }) {}

  void start() override {
    if (const auto* refusal = std::get_if<AuthRefusal>(&decision_)) return refuse(*refusal);
    // What the route allows of a body, and not the listener, holds for what waits here.
    const bool forwards = std::holds_alternative<ForwardTo>(route_.action);
    if (forwards && !exchange_.apply_limits(route_.limits)) return;
    AuthStep& step = std::get<AuthStep>(decision_);
    const auto client = StepThreads::client_of(exchange_.client().origin());
    const bool asked = route_.auth->threads().run(client, question_.ask(std::move(step.run)));
    if (!asked) refuse(route_.auth->queue_full(step.scheme));
  }

 private:
  void on_outcome(AuthOutcome outcome) {
    if (exchange_.response()) return;  // it has failed meanwhile
    const AuthStep& step = std::get<AuthStep>(decision_);
    if (outcome.kind == AuthOutcome::Kind::kContinues) {
      if (may_go_on()) return go_on(std::move(outcome), step);
      outcome.kind = AuthOutcome::Kind::kRefused;
      outcome.why = "it needs a connection of its own, and comes by a trusted proxy";
    }
    if (outcome.kind == AuthOutcome::Kind::kRefused) {
      refused_sign_ins.info("route {}: a sign-in by {} of {} is refused: {}", route_.name, step.scheme,
                            exchange_.client().origin().host(), outcome.why);
    }
    AuthDecision settled = route_.auth->settle(outcome, step, request_of(exchange_));
    if (const auto* refusal = std::get_if<AuthRefusal>(&settled)) return refuse(*refusal);
    if (!outcome.token.empty()) exchange_.prove("Negotiate " + text::base64(outcome.token));
    enter(exchange_, std::get<AuthPass>(std::move(settled)));
    responder_ = next_();
    responder_->start();
  }

  // On h1 by the client's own connection alone: one that a trusted proxy shares among its clients is nobody's.
  bool may_go_on() const {
    const ClientInfo& client = exchange_.client();
    return is_binary(client.protocol) || (client.belongings != nullptr && !client.forwarded_for);
  }

  // RFC 4559 section 5: the next leg comes on this connection, which h2 and h3 share among requests.
  void go_on(AuthOutcome outcome, const AuthStep& step) {
    note(exchange_, step.scheme, auth_outcome::kContinued);
    if (is_binary(exchange_.client().protocol)) return exchange_.fail(Fault::kHttp11Required);
    BelongingsPtr& belongings = *exchange_.client().belongings;
    if (!belongings) belongings = std::make_unique<Belongings>();
    belongings->sign_in = std::move(outcome.leg);
    const std::string challenge = "Negotiate " + text::base64(outcome.token);
    exchange_.fail(Fault::kAuthRequired, {.challenges = std::span(&challenge, 1)});
  }

  void refuse(const AuthRefusal& refusal) {
    note(exchange_, refusal.scheme, refusal.outcome);
    exchange_.fail(refusal.fault, {.challenges = refusal.challenges});
  }

  Exchange& exchange_;
  const Route& route_;
  std::variant<AuthRefusal, AuthStep> decision_;
  Next next_;
  std::unique_ptr<Responder> responder_;
  LoopQuestion<AuthOutcome> question_;
};

}  // namespace

std::unique_ptr<Responder> make(Exchange& exchange, const Route& route, Next next) {
  exchange.request().fields.remove_if([](const Field& field) { return disguise::same(field.name, kUserField); });
  AuthDecision decision = route.auth->decide(request_of(exchange), take_leg(exchange));
  if (auto* const pass = std::get_if<AuthPass>(&decision)) {
    enter(exchange, std::move(*pass));
    return next();
  }
  std::variant<AuthRefusal, AuthStep> rest = AuthRefusal{};
  if (auto* const refusal = std::get_if<AuthRefusal>(&decision)) rest = std::move(*refusal);
  if (auto* const step = std::get_if<AuthStep>(&decision)) rest = std::move(*step);
  return std::make_unique<AuthResponder>(exchange, route, std::move(rest), std::move(next));
}

void say_user(Exchange& exchange) {
  const std::string& user = exchange.record().user;
  if (!user.empty()) exchange.request().fields.set(kUserField, user);
}

}  // namespace gatehouse::auth_responder
