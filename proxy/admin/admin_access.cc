#include "proxy/admin/admin_access.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "common/address.h"
#include "common/text.h"

namespace gatehouse {
namespace {

std::string machine_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return {};
  return text::lower(name.data());
}

// Browsers say which page's script sends a request; tools send no such field.
bool from_another_origin(const RequestHead& request) {
  if (request.fields.count(FieldName::kOrigin) > 1) return true;
  const auto origin = request.fields.find(FieldName::kOrigin);
  if (!origin) return false;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin->starts_with(scheme)) return text::lower(origin->substr(scheme.size())) != request.authority;
  }
  return true;  // "null", and whatever else cannot be us
}

// https://www.w3.org/TR/fetch-metadata/: who follows a link to us may; what another site embeds or fetches may not.
bool embedded_elsewhere(const RequestHead& request) {
  const auto site = request.fields.find("Sec-Fetch-Site");
  if (!site || *site == "same-origin" || *site == "none") return false;
  const bool navigation =
      request.fields.find("Sec-Fetch-Mode") == "navigate" && request.fields.find("Sec-Fetch-Dest") == "document";
  return !navigation;
}

}  // namespace

bool admin_serves_host(std::string_view host, std::span<const std::string> names) {
  if (host.empty() || host == "localhost" || std::ranges::contains(names, host)) return true;
  const std::string literal =
      host.find(':') == std::string_view::npos ? std::string(host) : '[' + std::string(host) + ']';
  if (const auto address = Address::parse(literal + ":80"); address && !address->is_unix()) return true;
  const std::string machine = machine_name();
  return !machine.empty() && host == machine;
}

std::string_view admin_refusal(const RequestHead& request, std::span<const std::string> names) {
  if (!admin_serves_host(request.host(), names)) {
    return "This address answers to IP addresses, localhost, this machine's name and the names of admin_names only.\n"
           "To reach it by another name, add that to admin_names in [server] and reload.\n";
  }
  if (from_another_origin(request) || embedded_elsewhere(request)) {
    return "Pages of other sites may not read this.\n";
  }
  return {};
}

}  // namespace gatehouse
