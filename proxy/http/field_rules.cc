#include "proxy/http/field_rules.h"

#include <algorithm>
#include <string>
#include <vector>

#include "common/text.h"
#include "proxy/http/char_classes.h"
#include "proxy/http/disguise.h"
#include "proxy/http/framing.h"
#include "proxy/http/target.h"

namespace gatehouse::field_rules {

namespace {

constexpr std::size_t kLongestMethod = 32;

using Checked = std::expected<void, Fault>;

std::unexpected<Fault> malformed() {
  return std::unexpected(Fault::kMalformedRequest);
}

// Connection-specific fields, which no h2 or h3 message may have (RFC 9113 section 8.2.2).
bool is_connection_specific(FieldName name) {
  switch (name) {
    case FieldName::kConnection:
    case FieldName::kKeepAlive:
    case FieldName::kProxyConnection:
    case FieldName::kTransferEncoding:
    case FieldName::kUpgrade:
      return true;
    default:
      return false;
  }
}

// One field by itself: RFC 9110 section 5; RFC 9113 section 8.2. Its name is a token.
bool is_acceptable(const Field& field, Protocol protocol) {
  if (!is_field_value(field.value)) return false;
  if (!is_binary(protocol)) return true;
  if (char_classes::has_upper_case(field.name) || is_connection_specific(field.id)) return false;
  return field.id != FieldName::kTe || text::iequals(field.value, "trailers");
}

// The elements of a comma-separated list, without empty ones.
template <class Visit>
void for_each_element(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view element = text::trim(list.substr(0, comma));
    if (!element.empty()) visit(element);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

bool is_protected_from_nomination(FieldName name) {
  return name == FieldName::kHost || name == FieldName::kContentLength || name == FieldName::kTransferEncoding;
}

// A client that has framing or Host taken away as hop-by-hop wants two parsers to disagree.
bool nominates_framing(const FieldList& fields) {
  if (!fields.may_have(FieldName::kConnection)) return false;
  bool found = false;
  for (const Field field : fields) {
    if (field.id != FieldName::kConnection) continue;
    for_each_element(field.value,
                     [&](std::string_view name) { found = found || is_protected_from_nomination(field_name(name)); });
  }
  return found;
}

// Whether one of the names has marks that could disguise it (nearly never; then nobody has to look for disguises).
std::expected<bool, Fault> check_fields(const RawRequest& raw) {
  bool marked = false;
  for (const Field field : raw.fields) {
    if (!is_acceptable(field, raw.protocol)) return malformed();
    if (field.id != FieldName::kOther || (disguise::is_plain(field.name) && !field.name.empty())) continue;
    if (!is_token(field.name) || framing::is_disguised(field)) return malformed();
    marked = true;
  }
  if (nominates_framing(raw.fields)) return malformed();
  return marked;
}

// RFC 8441 section 4, RFC 9220 section 3.
bool is_extended_connect(const RawRequest& raw) {
  return is_binary(raw.protocol) && raw.method == "CONNECT" && !raw.protocol_asked.empty();
}

Checked check_method(const RawRequest& raw) {
  if (!is_token(raw.method) || raw.method.size() > kLongestMethod) return malformed();
  if (is_extended_connect(raw)) return {};
  if (!raw.protocol_asked.empty()) return malformed();
  if (raw.method == "CONNECT" && is_binary(raw.protocol) && !(raw.scheme.empty() && raw.target.empty()))
    return malformed();
  if (raw.method == "CONNECT" || raw.method == "TRACE") return std::unexpected(Fault::kMethodNotAllowed);
  return {};
}

Checked check_scheme(const RawRequest& raw) {
  if (!is_binary(raw.protocol)) return {};
  if (!text::iequals(raw.scheme, "https") && !text::iequals(raw.scheme, "http")) return malformed();
  // :path is never in absolute form (RFC 9113 section 8.3.1).
  if (raw.target != "*" && !raw.target.starts_with('/')) return malformed();
  return {};
}

// The absolute form's authority takes the place of Host, whatever that says, but it has to be a good one, or empty
// (RFC 9112 section 3.2.2).
std::expected<std::string, Fault> authority_of_absolute(std::optional<std::string_view> host, std::string_view ours) {
  std::optional<std::string> normalised = target::normalised_authority(ours);
  if (!normalised || (host && !host->empty() && !target::normalised_authority(*host))) return malformed();
  return *std::move(normalised);
}

// Host and :authority have to agree; one of them has to be there but for HTTP/1.0.
std::expected<std::string, Fault> agreed_authority(const RawRequest& raw, const target::Target& parsed) {
  std::optional<std::string> agreed;
  const auto agree = [&](std::string_view text) {
    std::optional<std::string> normalised = target::normalised_authority(text);
    if (!normalised || (agreed && *agreed != *normalised)) return false;
    agreed = std::move(normalised);
    return true;
  };
  if (raw.fields.count(FieldName::kHost) > 1) return malformed();
  const auto host = raw.fields.find(FieldName::kHost);
  if (!host && raw.protocol == Protocol::kH1) return malformed();
  if (!parsed.authority.empty()) return authority_of_absolute(host, parsed.authority);
  if (raw.has_authority && !agree(raw.authority)) return malformed();
  if (host && !agree(*host)) return malformed();
  if (!agreed && raw.protocol != Protocol::kH10) return malformed();
  return agreed.value_or(std::string());
}

std::expected<BodyLength, Fault> body_of(const RawRequest& raw) {
  std::expected<BodyLength, Fault> body = framing::body_length(raw.fields, raw.protocol, Fault::kMalformedRequest);
  if (!body || !is_binary(raw.protocol)) return body;
  if (raw.end_of_message) return body->is_empty() ? body : malformed();
  return body->kind == BodyLength::Kind::kKnown ? *body : BodyLength::unknown();
}

// RFC 9110 section 10.1.1: only 100-continue is defined, and it means nothing in HTTP/1.0 or without a body.
Checked take_expectation(const RawRequest& raw, RequestHead& head) {
  if (raw.protocol == Protocol::kH10 || !raw.fields.may_have(FieldName::kExpect)) return {};
  bool expected = false;
  for (const Field field : raw.fields) {
    if (field.id != FieldName::kExpect || field.value.empty()) continue;  // an empty list expects nothing
    if (expected || !text::iequals(field.value, "100-continue")) return std::unexpected(Fault::kExpectationFailed);
    expected = true;
  }
  head.expects_continue = expected && !head.body.is_empty();
  return {};
}

bool lists(const FieldList& fields, FieldName name, std::string_view wanted) {
  bool listed = false;
  for (const Field field : fields) {
    if (field.id != name) continue;
    for_each_element(field.value, [&](std::string_view element) { listed = listed || text::iequals(element, wanted); });
  }
  return listed;
}

// RFC 6455 section 4.2.1, as far as it does not matter to the endpoint alone. On h2 and h3 there is no key.
bool is_websocket_handshake(const RawRequest& raw) {
  const bool binary = is_binary(raw.protocol);
  const FieldList& fields = raw.fields;
  if (fields.count(FieldName::kSecWebSocketVersion) != 1 || fields.find(FieldName::kSecWebSocketVersion) != "13")
    return false;
  if (binary) return true;
  if (fields.count(FieldName::kSecWebSocketKey) != 1 || fields.find(FieldName::kSecWebSocketKey)->empty()) return false;
  return raw.protocol == Protocol::kH1 && raw.method == "GET";
}

// One name that Connection lists: with several the client leaves the choice to a server that knows them all. What
// h2c asks for, RFC 9113 section 3.1 has taken away.
std::string_view upgrade_asked(const RawRequest& raw) {
  if (!raw.fields.may_have(FieldName::kUpgrade)) return {};
  const auto asked = raw.fields.find(FieldName::kUpgrade);
  if (!asked || raw.fields.count(FieldName::kUpgrade) != 1) return {};
  if (!is_token(*asked) || text::iequals(*asked, "h2c") || !lists(raw.fields, FieldName::kConnection, "upgrade"))
    return {};
  return *asked;
}

// RFC 9110 section 7.8. A wish that cannot be met is no fault but of a WebSocket, with which no request can go on.
Checked take_upgrade(const RawRequest& raw, RequestHead& head) {
  const bool binary = is_binary(raw.protocol);
  const std::string_view asked = binary ? std::string_view(raw.protocol_asked) : upgrade_asked(raw);
  if (asked.empty()) return {};
  if (!is_token(asked)) return malformed();
  head.upgrade = text::lower(asked);
  const bool possible = binary || (raw.protocol == Protocol::kH1 && head.body.is_empty());
  if (head.asks_for_websocket() && !(possible && is_websocket_handshake(raw)))
    return std::unexpected(Fault::kHandshakeInvalid);
  if (!possible) head.upgrade.clear();
  if (binary) head.body = BodyLength::none();
  return {};
}

bool asks_for_trailers(const RawRequest& raw) {
  if (is_binary(raw.protocol)) return true;
  return raw.fields.may_have(FieldName::kTe) && lists(raw.fields, FieldName::kTe, "trailers");
}

// RFC 9113 section 8.2.3: crumbs are joined before they go anywhere else.
void join_cookies(FieldList& fields) {
  if (fields.count(FieldName::kCookie) < 2) return;
  std::string joined;
  for (const Field field : fields) {
    if (field.id != FieldName::kCookie) continue;
    if (!joined.empty()) joined += "; ";
    joined += field.value;
  }
  fields.set(FieldName::kCookie, joined);
}

void remove_consumed(FieldList& fields, bool look_for_disguises) {
  if (!look_for_disguises &&
      !fields.may_have(FieldName::kHost, FieldName::kContentLength, FieldName::kTransferEncoding, FieldName::kExpect)) {
    return;
  }
  fields.remove_if([&](const Field& field) {
    switch (field.id) {
      case FieldName::kHost:
      case FieldName::kContentLength:
      case FieldName::kTransferEncoding:
      case FieldName::kExpect:
        return true;
      default:
        return look_for_disguises && field.id == FieldName::kOther &&
               disguise::passes_for(field.name) != FieldName::kOther;
    }
  });
}

// The fields that Connection names. Views of the list: good while nothing but removing is done to it.
class Nominated {
 public:
  explicit Nominated(const FieldList& fields) {
    if (!fields.may_have(FieldName::kConnection)) return;
    // Nearly always "keep-alive" or "close" alone, which name no field of the message but one that goes anyway.
    for (const Field field : fields) {
      if (field.id != FieldName::kConnection) continue;
      for_each_element(field.value, [&](std::string_view name) {
        if (text::iequals(name, "close") || text::iequals(name, "keep-alive")) return;
        if (!is_protected_from_nomination(field_name(name))) names_.push_back(name);
      });
    }
    // Somebody may send thousands of names, and fields to compare each of them with.
    if (names_.size() > kFew) std::ranges::sort(names_, comes_before);
  }

  bool contains(std::string_view name) const {
    if (names_.size() > kFew) return std::ranges::binary_search(names_, name, comes_before);
    return std::ranges::any_of(names_, [&](std::string_view each) { return text::iequals(each, name); });
  }

 private:
  static constexpr std::size_t kFew = 8;

  static bool comes_before(std::string_view a, std::string_view b) {
    constexpr auto kLower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::lexicographical_compare(a, b, {}, kLower, kLower);
  }

  std::vector<std::string_view> names_;
};

// Fills in the target, and what is matched.
Checked settle_paths(target::Target&& parsed, RequestHead& head) {
  head.target = std::move(parsed.origin);
  head.target_needs_escapes = parsed.needs_escapes;
  const std::string_view path = head.path();
  if (head.target == "*" || target::is_canonical(path)) return {};
  auto settled = target::settle(path);
  if (!settled) return std::unexpected(settled.error());
  head.path_is_ambiguous = settled->ambiguous;
  if (settled->canonical != path) head.match_path = std::move(settled->canonical);
  return {};
}

}  // namespace

bool is_token(std::string_view name) {
  return char_classes::is_token(name);
}

bool is_field_value(std::string_view value) {
  if (value.empty()) return true;
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  return !is_space(value.front()) && !is_space(value.back()) && !char_classes::has_control(value);
}

std::expected<RequestHead, Fault> check_request(RawRequest& raw, const HeadLimits& limits,
                                                const Misdirected& misdirected) {
  if (raw.target.size() > limits.max_target_bytes) return std::unexpected(Fault::kTargetTooLong);
  if (raw.too_large) return std::unexpected(Fault::kHeadersTooLarge);
  const std::expected<bool, Fault> marked = check_fields(raw);
  if (!marked) return std::unexpected(marked.error());
  if (const Checked fine = check_method(raw); !fine) return std::unexpected(fine.error());
  if (const Checked fine = check_scheme(raw); !fine) return std::unexpected(fine.error());
  if (is_extended_connect(raw)) raw.method = "GET";
  std::expected<target::Target, Fault> parsed = target::parse(raw.target, raw.method);
  if (!parsed) return std::unexpected(parsed.error());
  std::expected<std::string, Fault> authority = agreed_authority(raw, *parsed);
  if (!authority) return std::unexpected(authority.error());
  const std::expected<BodyLength, Fault> body = body_of(raw);
  if (!body) return std::unexpected(body.error());

  RequestHead head{.protocol = raw.protocol, .secure = raw.secure, .authority = *std::move(authority), .body = *body};
  if (const Checked fine = take_expectation(raw, head); !fine) return std::unexpected(fine.error());
  if (const Checked fine = take_upgrade(raw, head); !fine) return std::unexpected(fine.error());
  head.accepts_trailers = !head.asks_for_tunnel() && asks_for_trailers(raw);
  if (const Checked fine = settle_paths(*std::move(parsed), head); !fine) return std::unexpected(fine.error());
  if (misdirected && misdirected(head.host())) {
    raw.target = std::move(head.target);
    raw.authority = std::move(head.authority);
    return std::unexpected(Fault::kMisdirected);
  }
  head.method = std::move(raw.method);
  head.fields = std::move(raw.fields);
  remove_consumed(head.fields, *marked);
  join_cookies(head.fields);
  return head;
}

RequestHead rejected_head(RawRequest&& raw) {
  RequestHead head;
  head.protocol = raw.protocol;
  head.secure = raw.secure;
  head.method = std::move(raw.method);
  head.target = std::move(raw.target);
  head.authority = std::move(raw.authority);
  return head;
}

void remove_hop_by_hop(FieldList& fields) {
  if (!fields.may_have(FieldName::kConnection, FieldName::kHttp2Settings, FieldName::kKeepAlive,
                       FieldName::kProxyAuthenticate, FieldName::kProxyAuthorization, FieldName::kProxyConnection,
                       FieldName::kTe, FieldName::kTrailer, FieldName::kUpgrade)) {
    return;
  }
  const Nominated nominated(fields);
  fields.remove_if([&](const Field& field) {
    switch (field.id) {
      case FieldName::kConnection:
      case FieldName::kHttp2Settings:
      case FieldName::kKeepAlive:
      case FieldName::kProxyAuthenticate:
      case FieldName::kProxyAuthorization:
      case FieldName::kProxyConnection:
      case FieldName::kTe:
      case FieldName::kTrailer:
      case FieldName::kUpgrade:
        return true;
      default:
        return nominated.contains(field.name);
    }
  });
}

}  // namespace gatehouse::field_rules
