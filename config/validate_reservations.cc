#include <algorithm>
#include <format>
#include <map>
#include <string>

#include "config/quoting.h"
#include "config/users.h"
#include "config/validate.h"

namespace gatehouse::config {

namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

// The port that clients see decides, and that is known of listeners whose port is chosen by the system only later.
bool takes(const Listener& listener, const UrlPrefix& prefix) {
  if (listener.tls.has_value() != prefix.secure) return false;
  const bool elsewhere = prefix.category == UrlPrefix::Category::kAddress && listener.address.host() != prefix.host;
  if (elsewhere || (listener.address.is_unix() && prefix.category == UrlPrefix::Category::kAddress)) return false;
  if (listener.address.is_unix()) return prefix.port == (prefix.secure ? kHttpsPort : kHttpPort);
  if (listener.alt_svc.mode == AltSvcMode::kPort) return listener.alt_svc.port == prefix.port;
  return listener.address.port() == prefix.port || listener.address.port() == 0;
}

}  // namespace

std::vector<Diagnostic> look_up_owners(Config& config) {
  std::vector<Diagnostic> out;
  for (Reservation& reservation : config.reservations) {
    const bool by_group = !reservation.group.empty();
    if (!by_group && reservation.user.empty()) continue;  // could not be read
    const Result<std::uint32_t> owner = by_group ? gid_of(reservation.group) : uid_of(reservation.user);
    if (owner) {
      reservation.owner = *owner;
    } else {
      out.push_back({.location = reservation.owner_location, .message = owner.error().message});
    }
  }
  return out;
}

std::vector<Diagnostic> validate_reservations(const Config& config) {
  std::vector<Diagnostic> out;
  std::map<std::string, const Reservation*> seen;
  for (const Reservation& reservation : config.reservations) {
    if (!reservation.prefix) continue;
    const std::string text = reservation.prefix->to_string();
    const auto [at, is_new] = seen.try_emplace(text, &reservation);
    if (!is_new) {
      out.push_back({.location = reservation.location,
                     .message = std::format("{} is reserved already in {}; write a \"group\" there for several users",
                                            in_quotes(text), seen_from(reservation.location, at->second->location))});
    }
    const auto is_for_it = [&](const Listener& listener) { return takes(listener, *reservation.prefix); };
    if (config.listeners.empty() || std::ranges::any_of(config.listeners, is_for_it)) continue;
    const bool by_address = reservation.prefix->category == UrlPrefix::Category::kAddress;
    out.push_back({.severity = by_address ? Severity::kError : Severity::kWarning,
                   .location = reservation.location,
                   .message = std::format("no listener is for {}: none {} on port {}{}", in_quotes(text),
                                          reservation.prefix->secure ? "with tls" : "without tls",
                                          reservation.prefix->port, by_address ? " has that address as its own" : "")});
  }
  return out;
}

}  // namespace gatehouse::config
