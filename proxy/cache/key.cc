#include "proxy/cache/key.h"

#include <algorithm>
#include <array>
#include <optional>

#include "common/text.h"
#include "proxy/cache/list_field.h"
#include "proxy/http/asserted_fields.h"
#include "proxy/http/forwarded.h"

namespace gatehouse::cache {

namespace {

// Those who ask are nobody's key: an application that answers by address, user or certificate says private.
constexpr std::string_view kForwarded = "Forwarded";

// The value if there is one such field alone.
std::optional<std::string_view> only(const FieldList& fields, FieldName name) {
  return fields.count(name) == 1 ? fields.find(name) : std::nullopt;
}

std::string_view believed_scheme(const RequestHead& request) {
  const auto said = only(request.fields, FieldName::kXForwardedProto);
  if (said && (*said == "https" || *said == "http")) return *said;
  return request.secure ? "https" : "http";
}

// What would end a host within a URL makes none: that is a line of its own.
std::string_view believed_host(const RequestHead& request) {
  const std::string_view said = only(request.fields, FieldName::kXForwardedHost).value_or("");
  const auto fits = [](char c) { return text::is_letter_or_digit(c) || std::string_view("-._:[]").contains(c); };
  return !said.empty() && std::ranges::all_of(said, fits) ? said : std::string_view(request.authority);
}

void append_line(std::string& key, std::string_view name, std::string_view value) {
  key += '\n';
  key += text::lower(name);
  key += ':';
  key += value;
}

// Without the addresses of those who ask and pass on.
void append_forwarded(std::string& key, std::string_view value) {
  for_each_member(value, [&key](std::string_view element) {
    for (const std::string_view name : {"host", "proto"}) {
      const auto said = forwarded::parameter(element, name);
      if (said) append_line(key, name, *said);
    }
  });
}

// Whose members are the same in capital letters (RFC 9110 sections 12.5.2 to 12.5.4). `name` is in lower case.
bool ignores_case(std::string_view name) {
  return name == "accept-charset" || name == "accept-encoding" || name == "accept-language";
}

// What the URL of the key says already, and does not have to say again.
bool is_in_url(const RequestHead& request, const Field& field) {
  if (field.id == FieldName::kXForwardedProto) return field.value == believed_scheme(request);
  return field.id == FieldName::kXForwardedHost && field.value == believed_host(request);
}

}  // namespace

const std::vector<SteeringRow>& steering_rows() {
  static const std::vector<SteeringRow> kRows = {
      {"X-HTTP-Method*", Steering::kPrevents},
      {"X-Method-Override", Steering::kPrevents},
      {"X-Forwarded-For", Steering::kNone},
      {"X-Forwarded-By", Steering::kNone},
      {"X-Forwarded-User*", Steering::kPrevents},
      {"X-Forwarded-Email", Steering::kPrevents},
      {"X-Forwarded-Groups", Steering::kPrevents},
      {"X-Forwarded-Preferred-Username", Steering::kPrevents},
      {"X-Forwarded-Access-Token", Steering::kPrevents},
      {"X-Forwarded-Client-Cert*", Steering::kPrevents},
      {"X-Forwarded-Tls-Client-Cert*", Steering::kPrevents},
      {"X-Forwarded-*", Steering::kKeyed},
      {kForwarded, Steering::kKeyed},
      {"X-Host", Steering::kKeyed},
      {"X-HTTP-Host-Override", Steering::kKeyed},
      {"X-Scheme", Steering::kKeyed},
      {"X-Url-Scheme", Steering::kKeyed},
      {"X-Https", Steering::kKeyed},
      {"Front-End-Https", Steering::kKeyed},
      {"Client-Cert*", Steering::kPrevents},
      {"X-Client-Cert*", Steering::kPrevents},
      {"X-Client-DN", Steering::kPrevents},
      {"X-Client-Verify", Steering::kPrevents},
      {"X-SSL-*", Steering::kPrevents},
      {"SSL-C*", Steering::kPrevents},
      {"X-ARR-*", Steering::kPrevents},
      {"Remote-*", Steering::kPrevents},
      {"X-Remote-*", Steering::kPrevents},
      {"X-Authenticated-*", Steering::kPrevents},
      {"X-Auth-Request-*", Steering::kPrevents},
      {"X-WebAuth-*", Steering::kPrevents},
      {"X-MS-*", Steering::kPrevents},
      {"MS-ASPNETCORE-*", Steering::kPrevents},
      {"X-Goog-Authenticated-User-*", Steering::kPrevents},
      {"X-Amzn-Oidc-*", Steering::kPrevents},
      {"CF-Access-*", Steering::kPrevents},
      {"Tailscale-User-*", Steering::kPrevents},
      {"WL-Proxy-*", Steering::kPrevents},
  };
  return kRows;
}

Steering steering_of(std::string_view name) {
  if (name.empty()) return Steering::kNone;
  static constexpr std::string_view kFirst = "xfcrswmt";
  if (!kFirst.contains(static_cast<char>(name.front() | 0x20))) return Steering::kNone;
  const auto row = std::ranges::find_if(
      steering_rows(), [name](const SteeringRow& each) { return asserted_fields::matches(each.pattern, name); });
  return row == steering_rows().end() ? Steering::kNone : row->steering;
}

bool concerns_cache(const RequestHead& request) {
  if (!request.body.is_empty() || request.asks_for_tunnel() || !request.target.starts_with('/')) return false;
  for (const Field field : request.fields) {
    if (steering_of(field.name) == Steering::kPrevents) return false;
  }
  return true;
}

std::string url_of(const RequestHead& request, std::string_view target) {
  const std::string_view scheme = believed_scheme(request);
  const std::string_view host = believed_host(request);
  std::string url;
  url.reserve(scheme.size() + host.size() + target.size() + 4);
  url.append(scheme).append("://").append(host).append(target).append("\n");
  return url;
}

std::string key_of(const RequestHead& request, std::string_view target, std::string_view scope) {
  std::string key = url_of(request, target);
  key += scope;
  if (believed_host(request) != request.authority) append_line(key, "host", request.authority);
  for (const Field field : request.fields) {
    if (steering_of(field.name) != Steering::kKeyed || is_in_url(request, field)) continue;
    if (field.id == FieldName::kForwarded) {
      append_forwarded(key, field.value);
    } else {
      append_line(key, field.name, field.value);
    }
  }
  return key;
}

std::string variant_key(std::string_view key, const std::vector<std::string>& vary, std::uint64_t generation,
                        const FieldList& request) {
  std::string variant(key);
  append_line(variant, "vary", std::to_string(generation));
  for (const std::string& name : vary) {
    std::optional<std::string> value;
    for (const Field field : request) {
      if (!text::iequals(field.name, name)) continue;
      if (!value) value.emplace();
      for_each_member(field.value, [&value](std::string_view member) { text::add_to_list(*value, member, ","); });
    }
    if (value) append_line(variant, name, ignores_case(name) ? text::lower(*value) : *value);
  }
  return variant;
}

}  // namespace gatehouse::cache
