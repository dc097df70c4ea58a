#include "config/config.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <bit>
#include <string_view>

#include "common/text.h"

namespace gatehouse::config {

Address Server::default_admin() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9180);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto generic = std::bit_cast<sockaddr>(address);
  return {&generic, sizeof generic};
}

bool CertificateFiles::is_pkcs12() const {
  const auto ends_with = [this](std::string_view ending) {
    return certificate.size() > ending.size() &&
           text::iequals(std::string_view(certificate).substr(certificate.size() - ending.size()), ending);
  };
  return ends_with(".p12") || ends_with(".pfx");
}

Protocols default_protocols(const Listener& listener) {
  if (!listener.tls) return {.h1 = true};
  return {.h1 = true, .h2 = true, .h3 = !listener.address.is_unix()};
}

Limits limits_of(const Config& config, const Route& route) {
  Limits limits = config.limits;
  limits.max_request_body = route.limits.max_request_body.value_or(limits.max_request_body);
  limits.min_request_rate = route.limits.min_request_rate.value_or(limits.min_request_rate);
  limits.min_response_rate = route.limits.min_response_rate.value_or(limits.min_response_rate);
  limits.bandwidth = route.limits.bandwidth.value_or(limits.bandwidth);
  return limits;
}

Timeouts timeouts_of(const Config& config, const Route& route) {
  Timeouts timeouts = config.timeouts;
  timeouts.request_body = route.timeouts.request_body.value_or(timeouts.request_body);
  timeouts.connect = route.timeouts.connect.value_or(timeouts.connect);
  timeouts.response = route.timeouts.response.value_or(timeouts.response);
  timeouts.response_body = route.timeouts.response_body.value_or(timeouts.response_body);
  timeouts.response_write = route.timeouts.response_write.value_or(timeouts.response_write);
  timeouts.tunnel = route.timeouts.tunnel.value_or(timeouts.tunnel);
  return timeouts;
}

}  // namespace gatehouse::config
