// Who may ask, by name: `auth` of a route. Decides at once where it can (no credentials, credentials that were verified
// a moment ago), or gives the step that has to be taken away from the loop. Part of a route, made with its snapshot,
// immutable from then on but for what is known of passwords: any thread.
//
//   decide() --> AuthPass      the request goes on, with a user or without one
//            --> AuthRefusal   a fault, and what the client may sign in by
//            --> AuthStep      runs on a StepThreads --> AuthOutcome --> settle() --> one of the first two,
//                                                                   or another leg is to come
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/clock.h"
#include "common/crypto/password_file.h"
#include "proxy/gates/known_credentials.h"
#include "proxy/gates/step_threads.h"
#include "proxy/gates/token_acceptor.h"
#include "proxy/http/fault.h"
#include "proxy/http/field_list.h"

namespace gatehouse {

// Constant texts for the metrics.
namespace auth_scheme {
inline constexpr std::string_view kNone = "none";
inline constexpr std::string_view kBasic = "basic";
inline constexpr std::string_view kNegotiate = "negotiate";
}  // namespace auth_scheme

namespace auth_outcome {
inline constexpr std::string_view kAccepted = "accepted";
inline constexpr std::string_view kKnown = "known";          // verified a moment ago
inline constexpr std::string_view kAnonymous = "anonymous";  // no credentials, and none are needed
inline constexpr std::string_view kRequired = "required";    // no credentials
inline constexpr std::string_view kRefused = "refused";
inline constexpr std::string_view kContinued = "continued";  // another leg is to come
inline constexpr std::string_view kInClear = "in_clear";
inline constexpr std::string_view kQueueFull = "queue_full";
}  // namespace auth_outcome

// What counts of a request. Views are read during the call only.
struct AuthRequest {
  const FieldList& fields;
  // It came by TLS, as far as that is known.
  bool secure = false;
  // Of our certificate, where TLS ends here.
  std::string_view server_end_point{};
  MonotonicTime now{};
};

struct AuthPass {
  // Empty: nobody, or nobody whom we know.
  std::string user;
  std::string_view scheme;
  std::string_view outcome;
};

struct AuthRefusal {
  Fault fault = Fault::kAuthRequired;
  // Each a WWW-Authenticate field.
  std::vector<std::string> challenges;
  std::string_view scheme;
  std::string_view outcome;
};

struct AuthStep {
  // Takes its time, and owns all that it needs.
  std::move_only_function<AuthOutcome()> run;
  std::string_view scheme;
};

using AuthDecision = std::variant<AuthPass, AuthRefusal, AuthStep>;

// Users and their passwords, with those that were verified lately.
struct KnownUsers {
  explicit KnownUsers(PasswordFile read) : file(std::move(read)) {}
  const PasswordFile file;
  KnownCredentials verified;
};

class AuthGate {
 public:
  struct Options {
    // What the client shows to its user: the name of the route.
    std::string realm;
    bool anonymous = false;
    // Null: there is no Basic; no Negotiate.
    std::shared_ptr<KnownUsers> users;
    std::shared_ptr<const TokenAcceptor> negotiate;
    // Never null.
    std::shared_ptr<StepThreads> threads;
  };

  explicit AuthGate(Options options) : options_(std::move(options)) {}

  // `leg` is what an earlier leg of this sign-in has left on the connection; null: there was none.
  AuthDecision decide(const AuthRequest& request, std::unique_ptr<Belonging> leg = nullptr) const;
  // What a step has come to, unless it goes on: AuthPass or AuthRefusal. REQUIRES: not kContinues
  AuthDecision settle(const AuthOutcome& outcome, const AuthStep& step, const AuthRequest& request) const;
  AuthRefusal queue_full(std::string_view scheme) const;

  StepThreads& threads() const { return *options_.threads; }
  const Options& options() const { return options_; }

 private:
  AuthDecision decide_basic(std::string_view credentials, const AuthRequest& request) const;
  AuthDecision decide_negotiate(std::string_view token, const AuthRequest& request,
                                std::unique_ptr<Belonging> leg) const;
  AuthDecision decide_without(const AuthRequest& request) const;
  AuthRefusal refuse(const AuthRequest& request, std::string_view scheme) const;
  std::vector<std::string> challenges(const AuthRequest& request) const;

  Options options_;
};

}  // namespace gatehouse
