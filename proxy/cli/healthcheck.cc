#include "proxy/cli/healthcheck.h"

#include <format>

#include "proxy/cli/client.h"

namespace gatehouse {

HealthcheckOutcome healthcheck(const HealthcheckOptions& options) {
  const auto address = find_admin_address(options.admin, options.file);
  if (!address) return {.ready = false, .reason = address.error().message};
  const auto page = fetch(*address, "/readyz", options.timeout);
  if (!page) return {.ready = false, .reason = page.error().message};
  return {.ready = true, .reason = std::format("{}: ready", address->to_string())};
}

}  // namespace gatehouse
