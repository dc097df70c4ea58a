#include "proxy/forward/redirect.h"

#include <expected>
#include <string_view>
#include <utility>

#include "proxy/forward/fixed_response.h"
#include "proxy/forward/request_rules.h"
#include "proxy/http/request_id.h"
#include "proxy/http/target.h"

namespace gatehouse::redirect {

namespace {

// With the brackets that an IPv6 address needs.
std::string host_of(const RequestHead& head) {
  const std::string_view host = head.host();
  if (host.find(':') == std::string_view::npos) return std::string(host);
  return "[" + std::string(host) + "]";
}

ResponseHead head_of(std::uint16_t status, const std::string& location) {
  ResponseHead head{.status = status};
  head.fields.add(FieldName::kLocation, location);
  return head;
}

}  // namespace

std::unique_ptr<Responder> to(Exchange& exchange, const Route& route, const RedirectTo& action) {
  std::string uri = uri_of(exchange.request());
  if (route.strip_prefix) {
    std::expected<std::string, Fault> left = forwarded_target(exchange.request(), route);
    if (!left) return fixed_response::fail(exchange, left.error());
    if (!left->empty()) uri = std::move(*left);
  }
  ResponseHead head = head_of(action.status, location(action.target, exchange.request(), uri));
  say_request_id(head.fields, exchange.record().request_id);
  apply(route.response_headers, head.fields);
  return fixed_response::respond(exchange, std::move(head));
}

std::unique_ptr<Responder> to_https(Exchange& exchange, std::uint16_t port) {
  // HTTP/1.0 without Host: nowhere to send it.
  if (exchange.request().authority.empty()) return fixed_response::fail(exchange, Fault::kNoRoute);
  ResponseHead head = head_of(308, https_location(exchange.request(), port));
  say_request_id(head.fields, exchange.record().request_id);
  return fixed_response::respond(exchange, std::move(head));
}

std::string uri_of(const RequestHead& head) {
  if (!head.target.starts_with('/')) return "/";
  return head.target_needs_escapes ? target::escaped(head.target) : head.target;
}

std::string location(std::string_view pattern, const RequestHead& head, std::string_view uri) {
  std::string out;
  std::string_view rest = pattern;
  while (!rest.empty()) {
    if (rest.starts_with("{uri}")) {
      out += uri;
      rest.remove_prefix(5);
    } else if (rest.starts_with("{host}")) {
      out += host_of(head);
      rest.remove_prefix(6);
    } else {
      out += rest.front();
      rest.remove_prefix(1);
    }
  }
  // A path of this site must not become another site's name: "//evil.example/" is one (RFC 3986 section 4.2).
  if (out.starts_with("//")) out.insert(0, "/.");
  return out;
}

std::string https_location(const RequestHead& head, std::uint16_t port) {
  std::string out = "https://" + host_of(head);
  if (port != 443) out += ":" + std::to_string(port);
  out += uri_of(head);
  return out;
}

}  // namespace gatehouse::redirect
