// The part of field_rules that is about trailers: RFC 9110 section 6.5.1 leaves open which fields may be there, so the
// ones that would change how a message is framed, routed, authenticated or understood are taken out.
#include <algorithm>
#include <array>

#include "proxy/http/asserted_fields.h"
#include "proxy/http/char_classes.h"
#include "proxy/http/disguise.h"
#include "proxy/http/field_rules.h"

namespace gatehouse::field_rules {

namespace {

constexpr auto kForbiddenNames = std::to_array<std::string_view>({
    "age",
    "cache-control",
    "content-encoding",
    "content-range",
    "content-type",
    "expires",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "max-forwards",
    "pragma",
    "range",
    "vary",
    "warning",
});

bool is_harmless_token(FieldName name) {
  switch (name) {
    case FieldName::kOther:
    case FieldName::kGrpcStatus:
    case FieldName::kLink:
    case FieldName::kPriority:
    case FieldName::kServer:
    case FieldName::kTraceparent:
    case FieldName::kUserAgent:
      return true;
    default:
      return false;
  }
}

// In any of its spellings: an application that merges trailers into its headers reads them as it reads those.
bool is_forbidden(const Field& field) {
  if (!is_harmless_token(field.id) || !is_harmless_token(disguise::passes_for(field.name))) return true;
  if (field.id != FieldName::kOther) return false;
  const auto comes_before = [](std::string_view a, std::string_view b) { return disguise::order(a, b) < 0; };
  return std::ranges::binary_search(kForbiddenNames, field.name, comes_before) ||
         disguise::begins_with(field.name, "proxy-") || asserted_fields::find(field.name) != nullptr;
}
static_assert(std::ranges::is_sorted(kForbiddenNames));

// Fields that no message of h2 or h3 may have (RFC 9113 sections 8.1, 8.2): the sender's mistake, not something to
// drop.
bool is_fault(const Field& field, Protocol protocol) {
  if (!is_token(field.name) || !is_field_value(field.value)) return true;
  if (!is_binary(protocol)) return false;
  switch (field.id) {
    case FieldName::kConnection:
    case FieldName::kContentLength:
    case FieldName::kHost:
    case FieldName::kKeepAlive:
    case FieldName::kProxyConnection:
    case FieldName::kTe:
    case FieldName::kTransferEncoding:
    case FieldName::kUpgrade:
      return true;
    default:
      return char_classes::has_upper_case(field.name);
  }
}

}  // namespace

std::expected<FieldList, Fault> check_request_trailers(FieldList&& trailers, Protocol protocol,
                                                       const ListenerPolicy& policy) {
  for (const Field field : trailers) {
    if (is_fault(field, protocol)) return std::unexpected(Fault::kRequestBodyInvalid);
  }
  trailers.remove_if([&](const Field& field) {
    const auto names_it = [&](const std::string& pattern) { return asserted_fields::matches(pattern, field.name); };
    return is_forbidden(field) || std::ranges::any_of(policy.strip, names_it);
  });
  return std::move(trailers);
}

// What a proxy behind us has to say may come after the body that it is about (RFC 9209 section 2).
FieldList check_response_trailers(FieldList&& trailers) {
  trailers.remove_if([](const Field& field) {
    if (!is_token(field.name) || !is_field_value(field.value)) return true;
    return field.id != FieldName::kProxyStatus && is_forbidden(field);
  });
  return std::move(trailers);
}

}  // namespace gatehouse::field_rules
