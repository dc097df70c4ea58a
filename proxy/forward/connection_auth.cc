#include "proxy/forward/connection_auth.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "common/text.h"

namespace gatehouse::connection_auth {

namespace {

constexpr auto kSchemes =
    std::to_array<std::string_view>({"negotiate", "ntlm", "kerberos", "nego2", "credssp", "spnego"});

// The end of the element that begins `list`: a comma that stands in no quoted string.
std::size_t end_of_element(std::string_view list) {
  bool quoted = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (quoted && list[i] == '\\') {
      ++i;
    } else if (list[i] == '"') {
      quoted = !quoted;
    } else if (list[i] == ',' && !quoted) {
      return i;
    }
  }
  return list.size();
}

bool begins_with_scheme(std::string_view credentials) {
  credentials = text::trim(credentials);
  const std::string_view word = credentials.substr(0, credentials.find_first_of(" \t,"));
  return std::ranges::any_of(kSchemes, [&](std::string_view scheme) { return text::iequals(word, scheme); });
}

// A list of challenges and their parameters (RFC 9110 section 11.3): a parameter such as ntlm=1 begins with no word
// that equals a scheme.
bool offers_scheme(std::string_view challenges) {
  while (!challenges.empty()) {
    const std::size_t end = end_of_element(challenges);
    if (begins_with_scheme(challenges.substr(0, end))) return true;
    challenges.remove_prefix(std::min(end + 1, challenges.size()));
  }
  return false;
}

}  // namespace

bool binds(const RequestHead& head) {
  if (!head.fields.may_have(FieldName::kAuthorization, FieldName::kProxyAuthorization)) return false;
  for (const Field field : head.fields) {
    const bool credentials = field.id == FieldName::kAuthorization || field.id == FieldName::kProxyAuthorization;
    if (credentials && begins_with_scheme(field.value)) return true;
  }
  return false;
}

bool binds(const ResponseHead& head) {
  if (!head.fields.may_have(FieldName::kProxyAuthenticate, FieldName::kWwwAuthenticate, FieldName::kPersistentAuth)) {
    return false;
  }
  for (const Field field : head.fields) {
    const bool challenges = field.id == FieldName::kProxyAuthenticate || field.id == FieldName::kWwwAuthenticate;
    if (challenges && offers_scheme(field.value)) return true;
    if (field.id == FieldName::kPersistentAuth && text::iequals(text::trim(field.value), "true")) return true;
  }
  return false;
}

}  // namespace gatehouse::connection_auth
