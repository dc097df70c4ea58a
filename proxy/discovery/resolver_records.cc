#include "proxy/discovery/resolver_records.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

namespace gatehouse::dns {

namespace {

constexpr std::chrono::seconds kShortest{1};
constexpr std::chrono::seconds kLongest{300};

// RFC 2782 gives weight 0 a small chance, too.
std::uint16_t scaled(std::uint32_t weight, std::uint32_t greatest) {
  if (greatest > kGreatestWeight) weight = weight * kGreatestWeight / greatest;
  return static_cast<std::uint16_t>(std::max(weight, 1U));
}

}  // namespace

std::vector<DnsService> chosen(std::vector<DnsService> services) {
  if (services.empty()) return services;
  const auto lowest = std::ranges::min(services, {}, &DnsService::priority).priority;
  std::erase_if(services, [&](const DnsService& service) { return service.priority != lowest; });
  std::ranges::sort(services, {}, [](const DnsService& s) { return std::tie(s.target, s.port, s.weight); });
  if (services.size() > kMostAddresses) services.resize(kMostAddresses);
  const std::uint32_t greatest = std::ranges::max(services, {}, &DnsService::weight).weight;
  for (DnsService& service : services) service.weight = scaled(service.weight, greatest);
  return services;
}

std::vector<ResolvedAddress> in_order(std::vector<ResolvedAddress> addresses) {
  std::vector<std::pair<std::string, ResolvedAddress>> named;
  named.reserve(addresses.size());
  for (const ResolvedAddress& one : addresses) named.emplace_back(one.address.to_string(), one);
  std::ranges::sort(named, [](const auto& a, const auto& b) {
    return std::tie(a.first, b.second.weight) < std::tie(b.first, a.second.weight);
  });
  const auto repeated = std::ranges::unique(named, {}, [](const auto& one) -> const std::string& { return one.first; });
  named.erase(repeated.begin(), repeated.end());
  if (named.size() > kMostAddresses) named.resize(kMostAddresses);
  addresses.clear();
  for (const auto& [text, one] : named) addresses.push_back(one);
  return addresses;
}

std::chrono::seconds good_for(std::chrono::seconds ttl) {
  return std::clamp(ttl, kShortest, kLongest);
}

}  // namespace gatehouse::dns
