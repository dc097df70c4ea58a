#include "proxy/gates/auth_gate.h"

#include <format>
#include <utility>

#include "common/text.h"

namespace gatehouse {

namespace {

// RFC 9110 section 11.4: a scheme, blanks, and what it wants.
struct Credentials {
  std::string_view scheme;
  std::string_view value;
};

Credentials credentials_of(std::string_view field) {
  field = text::trim(field);
  const std::size_t end = field.find(' ');
  if (end == std::string_view::npos) return {.scheme = field, .value = {}};
  return {.scheme = field.substr(0, end), .value = text::trim(field.substr(end))};
}

// RFC 9110 section 5.6.4, for a name that has no control characters.
std::string quoted_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

}  // namespace

AuthDecision AuthGate::decide(const AuthRequest& request, std::unique_ptr<Belonging> leg) const {
  if (!request.fields.may_have(FieldName::kAuthorization)) return decide_without(request);
  const std::size_t count = request.fields.count(FieldName::kAuthorization);
  if (count == 0) return decide_without(request);
  if (count > 1) return refuse(request, auth_scheme::kNone);
  const Credentials credentials = credentials_of(*request.fields.find(FieldName::kAuthorization));
  if (options_.users && text::iequals(credentials.scheme, "Basic")) return decide_basic(credentials.value, request);
  if (options_.negotiate && text::iequals(credentials.scheme, "Negotiate")) {
    return decide_negotiate(credentials.value, request, std::move(leg));
  }
  return decide_without(request);
}

AuthDecision AuthGate::decide_without(const AuthRequest& request) const {
  if (options_.anonymous) return AuthPass{.scheme = auth_scheme::kNone, .outcome = auth_outcome::kAnonymous};
  std::vector<std::string> offered = challenges(request);
  const bool insecure = offered.empty();
  return AuthRefusal{.fault = insecure ? Fault::kAuthNeedsTls : Fault::kAuthRequired,
                     .challenges = std::move(offered),
                     .scheme = auth_scheme::kNone,
                     .outcome = insecure ? auth_outcome::kInClear : auth_outcome::kRequired};
}

AuthDecision AuthGate::decide_basic(std::string_view credentials, const AuthRequest& request) const {
  if (!request.secure) {
    return AuthRefusal{.fault = Fault::kAuthNeedsTls,
                       .challenges = {},
                       .scheme = auth_scheme::kBasic,
                       .outcome = auth_outcome::kInClear};
  }
  const std::optional<std::string> pair = text::from_base64(credentials);
  const std::size_t colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) return refuse(request, auth_scheme::kBasic);
  std::string name = pair->substr(0, colon);
  std::string password = pair->substr(colon + 1);
  std::string digest = options_.users->verified.digest(name, password);
  if (options_.users->verified.has(digest, request.now)) {
    return AuthPass{.user = std::move(name), .scheme = auth_scheme::kBasic, .outcome = auth_outcome::kKnown};
  }
  const auto verify = [users = options_.users, name = std::move(name), password = std::move(password),
                       digest = std::move(digest)] {
    AuthOutcome outcome;
    if (!users->file.knows(name, password)) {
      outcome.why = "name or password is wrong";
      return outcome;
    }
    outcome.kind = AuthOutcome::Kind::kAccepted;
    outcome.user = name;
    outcome.digest = digest;
    return outcome;
  };
  return AuthStep{.run = verify, .scheme = auth_scheme::kBasic};
}

AuthDecision AuthGate::decide_negotiate(std::string_view token, const AuthRequest& request,
                                        std::unique_ptr<Belonging> leg) const {
  std::optional<std::string> bytes = text::from_base64(token);
  if (!bytes || bytes->empty()) return refuse(request, auth_scheme::kNegotiate);
  auto accept = [acceptor = options_.negotiate, token = *std::move(bytes),
                 end_point = std::string(request.server_end_point), leg = std::move(leg)]() mutable {
    return acceptor->accept(
        {.token = std::move(token), .server_end_point = std::move(end_point), .before = std::move(leg)});
  };
  return AuthStep{.run = std::move(accept), .scheme = auth_scheme::kNegotiate};
}

AuthDecision AuthGate::settle(const AuthOutcome& outcome, const AuthStep& step, const AuthRequest& request) const {
  if (outcome.kind != AuthOutcome::Kind::kAccepted) return refuse(request, step.scheme);
  if (!outcome.digest.empty()) options_.users->verified.add(outcome.digest, request.now);
  return AuthPass{.user = outcome.user, .scheme = step.scheme, .outcome = auth_outcome::kAccepted};
}

AuthRefusal AuthGate::refuse(const AuthRequest& request, std::string_view scheme) const {
  std::vector<std::string> offered = challenges(request);
  const Fault fault = offered.empty() ? Fault::kAuthNeedsTls : Fault::kAuthFailed;
  return {.fault = fault, .challenges = std::move(offered), .scheme = scheme, .outcome = auth_outcome::kRefused};
}

AuthRefusal AuthGate::queue_full(std::string_view scheme) const {
  return {.fault = Fault::kAuthQueueFull, .challenges = {}, .scheme = scheme, .outcome = auth_outcome::kQueueFull};
}

// The strongest first. RFC 7617 section 2.1: names and passwords are UTF-8.
std::vector<std::string> AuthGate::challenges(const AuthRequest& request) const {
  std::vector<std::string> offered;
  if (options_.negotiate) offered.emplace_back("Negotiate");
  if (options_.users && request.secure) {
    offered.push_back(std::format("Basic realm={}, charset=\"UTF-8\"", quoted_string(options_.realm)));
  }
  return offered;
}

}  // namespace gatehouse
