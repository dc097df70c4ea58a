#include "proxy/forward/request_rules.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/text.h"
#include "proxy/http/asserted_fields.h"
#include "proxy/http/disguise.h"
#include "proxy/http/field_rules.h"
#include "proxy/http/path_readings.h"
#include "proxy/http/target.h"

namespace gatehouse {

namespace {

std::string joined(const FieldList& fields, FieldName name) {
  std::string all;
  if (!fields.may_have(name)) return all;
  for (const Field field : fields) {
    if (field.id != name || field.value.empty()) continue;
    text::add_to_list(all, field.value);
  }
  return all;
}

// Adds to what a trusted proxy has said, or says it first.
void append(FieldList& fields, FieldName name, std::string_view element) {
  std::string all = joined(fields, name);
  if (all.empty()) {
    fields.set(name, element);
    return;
  }
  text::add_to_list(all, element);
  fields.set(name, all);
}

// Keeps what a trusted proxy has said, if it has said one thing.
void set_unless_said(FieldList& fields, FieldName name, std::string_view value) {
  if (fields.count(name) == 1 && !fields.find(name)->empty()) return;
  if (value.empty()) {
    fields.remove(name);
  } else {
    fields.set(name, value);
  }
}

std::string_view port_of(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  const std::size_t bracket = authority.rfind(']');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && bracket > colon)) return {};
  return authority.substr(colon + 1);
}

std::string public_port(const RequestHead& head, const ClientInfo& client) {
  if (const std::string_view port = port_of(head.authority); !port.empty()) return std::string(port);
  if (client.listener && client.listener->public_port != 0) return std::to_string(client.listener->public_port);
  return head.secure ? "443" : "80";
}

// RFC 7239 section 4
std::string forwarded_element(const RequestHead& head, const std::string& address) {
  std::string element = "for=";
  if (address.empty()) {
    element += "unknown";
  } else if (address.find(':') != std::string::npos) {
    element += "\"[" + address + "]\"";
  } else {
    element += address;
  }
  if (!head.authority.empty()) element += ";host=\"" + head.authority + "\"";
  element += head.secure ? ";proto=https" : ";proto=http";
  return element;
}

// Without port; empty for a Unix socket.
std::string host_of(const Address& address) {
  const bool has_address = address.family() == AF_INET || address.family() == AF_INET6;
  return has_address ? address.host() : std::string();
}

// Where another field of a trusted proxy is believed, X-Forwarded-For may be the client's own, and is made from that.
void say_by_whom(FieldList& fields, const ClientInfo& client, const std::string& address) {
  if (client.listener && client.listener->client_address != ClientAddress::kXForwardedFor) {
    fields.remove(FieldName::kXForwardedFor);
    if (client.forwarded_for) append(fields, FieldName::kXForwardedFor, host_of(*client.forwarded_for));
  }
  if (!address.empty()) append(fields, FieldName::kXForwardedFor, address);
}

void say_who_asked(RequestHead& head, const ClientInfo& client, const Route& route) {
  FieldList& fields = head.fields;
  const std::string address = host_of(client.address);
  say_by_whom(fields, client, address);
  if (route.real_ip) set_unless_said(fields, FieldName::kXRealIp, host_of(client.origin()));
  set_unless_said(fields, FieldName::kXForwardedProto, head.secure ? "https" : "http");
  set_unless_said(fields, FieldName::kXForwardedHost, head.authority);
  set_unless_said(fields, FieldName::kXForwardedPort, public_port(head, client));
  if (route.forwarded_rfc7239) append(fields, FieldName::kForwarded, forwarded_element(head, address));
  if (route.strip_prefix && route.path.size() > 1) {
    const std::string outer = joined(fields, FieldName::kXForwardedPrefix);
    fields.set(FieldName::kXForwardedPrefix, outer + route.path);
  }
}

// RFC 9440. Whatever a client has said of its certificate has been stripped.
void say_certificate(FieldList& fields, const ClientCertificate& certificate) {
  fields.set("Client-Cert", certificate.field);
  if (!certificate.chain_field.empty()) fields.set("Client-Cert-Chain", certificate.chain_field);
}

// What Via calls us on this listener and route (RFC 9110 section 7.6.3), and what stands before it.
class ViaElement {
 public:
  ViaElement(const RequestHead& head, const ClientInfo& client, const Route& route) {
    put(version_of(head.protocol));
    put(" ");
    const std::size_t name = size_;
    put("gatehouse-");
    if (client.listener) put(client.listener->pseudonym);
    put(route.pseudonym);
    name_size_ = size_ - name;
  }

  std::string_view text() const { return {text_.data(), size_}; }
  std::string_view name() const { return text().substr(size_ - name_size_); }

 private:
  static std::string_view version_of(Protocol protocol) {
    switch (protocol) {
      case Protocol::kH10:
        return "1.0";
      case Protocol::kH1:
        return "1.1";
      case Protocol::kH2:
        return "2";
      case Protocol::kH3:
        return "3";
    }
    return "1.1";
  }

  void put(std::string_view part) {
    part = part.substr(0, text_.size() - size_);
    std::ranges::copy(part, text_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += part.size();
  }

  std::array<char, 64> text_;
  std::size_t size_ = 0;
  std::size_t name_size_ = 0;
};

// Whether one of the elements was received by `name`: "1.1 gatehouse-0123 (comment)".
bool passed_by(std::string_view via, std::string_view name) {
  for (std::size_t at = via.find(name); at != std::string_view::npos; at = via.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    const bool begins = at > 0 && (via[at - 1] == ' ' || via[at - 1] == '\t');
    const bool ends = end == via.size() || via[end] == ',' || via[end] == ' ' || via[end] == '\t';
    if (begins && ends) return true;
  }
  return false;
}

// Where the route says what a name is, no other spelling of that name may stand beside it.
void remove_disguises(FieldList& fields, const HeaderEdits& edits) {
  if (edits.set.empty() && edits.remove.empty()) return;
  fields.remove_if([&](const Field& field) {
    if (field.id != FieldName::kOther || disguise::is_plain(field.name)) return false;
    const auto passes_for = [&](std::string_view name) {
      return disguise::same(field.name, name) && !text::iequals(field.name, name);
    };
    return std::ranges::any_of(edits.remove, passes_for) ||
           std::ranges::any_of(edits.set, [&](const auto& edit) { return passes_for(edit.first); });
  });
}

// The client's path stays below what stands before its place, however a server reads it: what stands behind it may have
// made something else of its last segment.
std::expected<std::string, Fault> rewritten(std::string_view pattern, std::string_view path) {
  constexpr std::string_view kPath = "{path}";
  const std::size_t at = pattern.find(kPath);
  if (at == std::string_view::npos) return std::string(pattern);
  const std::string_view before = pattern.substr(0, at);
  std::string out(before);
  out.append(path).append(pattern.substr(at + kPath.size()));
  if (target::is_canonical(out)) return out;
  const auto readings = target::path_readings(out);
  const auto below = [&](const std::string& reading) {
    return reading.starts_with(before) && (reading.size() == before.size() || reading[before.size()] == '/');
  };
  if (!readings || !std::ranges::all_of(*readings, below)) return std::unexpected(Fault::kUnsafeTarget);
  return out;
}

std::string_view without_slash_at_end(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

std::optional<std::uint64_t> max_forwards(const RequestHead& head) {
  if (head.method != "OPTIONS") return std::nullopt;
  const auto value = head.fields.find(FieldName::kMaxForwards);
  return value ? text::parse_decimal(*value) : std::nullopt;
}

}  // namespace

void strip_asserted_fields(FieldList& fields, const ClientInfo& client) {
  const auto speaker = asserted_fields::Speaker::of(client);
  fields.remove_if([&](const Field& field) {
    return asserted_fields::judge(field.name, speaker) != asserted_fields::Verdict::kStays;
  });
}

// The id is said behind the removal: "Connection: X-Request-Id" takes away the client's own.
void apply_request_rules(RequestHead& head, const ClientInfo& client, const Route& route, std::string_view request_id) {
  field_rules::remove_hop_by_hop(head.fields);
  if (head.fields.find(FieldName::kXRequestId) != request_id) head.fields.set(FieldName::kXRequestId, request_id);
  say_who_asked(head, client, route);
  if (client.early) [[unlikely]] {
    head.fields.set(FieldName::kEarlyData, "1");
  }
  if (client.tls && client.tls->certificate) say_certificate(head.fields, *client.tls->certificate);
  if (!route.pseudonym.empty()) append(head.fields, FieldName::kVia, ViaElement(head, client, route).text());
  if (const auto left = max_forwards(head); left && *left > 0) {
    head.fields.set(FieldName::kMaxForwards, std::to_string(*left - 1));
  }
  remove_disguises(head.fields, route.request_headers);
  apply(route.request_headers, head.fields);
}

bool request_has_come_back(const RequestHead& head, const ClientInfo& client, const Route& route) {
  if (route.pseudonym.empty() || !head.fields.find(FieldName::kVia)) return false;
  const ViaElement ours(head, client, route);
  for (const Field field : head.fields) {
    if (field.id == FieldName::kVia && passed_by(field.value, ours.name())) return true;
  }
  return false;
}

std::expected<std::string, Fault> forwarded_target(const RequestHead& head, const Route& route) {
  if (!head.target.starts_with('/')) return {};
  const std::string_view prefix = route.strip_prefix ? without_slash_at_end(route.path) : std::string_view();
  const bool resolves = route.path_as == PathAs::kCanonical && !target::is_canonical(head.path());
  if (prefix.empty() && !resolves && !head.target_needs_escapes && route.rewrite.empty()) return {};
  const std::string escaped = head.target_needs_escapes ? target::escaped(head.target) : head.target;
  std::string_view path = std::string_view(escaped).substr(0, escaped.find('?'));
  const std::string_view query = std::string_view(escaped).substr(path.size());
  if (!prefix.empty()) {
    const bool literal = path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
    if (!literal) return std::unexpected(Fault::kPrefixNotLiteral);
    path = path.size() == prefix.size() ? "/" : path.substr(prefix.size());
    if (head.path_is_ambiguous) {
      if (!target::path_readings(path)) return std::unexpected(Fault::kPrefixNotLiteral);  // it leads above the root
    }
  }
  std::expected<std::string, Fault> left = resolves ? target::resolved_path(path) : std::string(path);
  if (left && !route.rewrite.empty()) left = rewritten(route.rewrite, *left);
  return left.transform([&](std::string text) { return text.append(query); });
}

bool request_ends_here(const RequestHead& head) {
  return max_forwards(head) == 0;
}

}  // namespace gatehouse
