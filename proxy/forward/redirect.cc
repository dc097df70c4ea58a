#include "proxy/forward/redirect.h"

#include <string_view>
#include <utility>

#include "proxy/forward/fixed_response.h"

namespace gatehouse::redirect {

namespace {

std::string_view uri_of(const RequestHead& head) {
  return head.target.starts_with('/') ? std::string_view(head.target) : std::string_view("/");
}

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
  ResponseHead head = head_of(action.status, location(action.target, exchange.request()));
  apply(route.response_headers, head.fields);
  return fixed_response::respond(exchange, std::move(head));
}

std::unique_ptr<Responder> to_https(Exchange& exchange, std::uint16_t port) {
  // HTTP/1.0 without Host: nowhere to send it.
  if (exchange.request().authority.empty()) return fixed_response::fail(exchange, Fault::kNoRoute);
  return fixed_response::respond(exchange, head_of(308, https_location(exchange.request(), port)));
}

std::string location(const std::string& pattern, const RequestHead& head) {
  std::string out;
  std::string_view rest = pattern;
  while (!rest.empty()) {
    if (rest.starts_with("{uri}")) {
      out += uri_of(head);
      rest.remove_prefix(5);
    } else if (rest.starts_with("{host}")) {
      out += host_of(head);
      rest.remove_prefix(6);
    } else {
      out += rest.front();
      rest.remove_prefix(1);
    }
  }
  return out;
}

std::string https_location(const RequestHead& head, std::uint16_t port) {
  std::string out = "https://" + host_of(head);
  if (port != 443) out += ":" + std::to_string(port);
  out += uri_of(head);
  return out;
}

}  // namespace gatehouse::redirect
