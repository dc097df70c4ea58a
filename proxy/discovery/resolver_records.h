// What DNS records come to as the addresses of an upstream: which services count, how heavy each is, in which order,
// and how many at most. Pure, any thread. Nothing here depends on the order in which a server sends its records: an
// answer that says the same is no change.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "proxy/discovery/resolver.h"
#include "proxy/discovery/resolver_channel.h"

namespace gatehouse::dns {

// How many endpoints one name may come to.
inline constexpr std::size_t kMostAddresses = 256;
inline constexpr std::uint32_t kGreatestWeight = 1000;

// Returns the services of the lowest priority (RFC 2782), at most kMostAddresses, with weights of 1 to kGreatestWeight
// in their proportions. Those of higher priorities are never used, not even if these fail.
std::vector<DnsService> chosen(std::vector<DnsService> services);

// Returns the addresses sorted, each once (with its greatest weight), at most kMostAddresses; of too many always the
// same ones.
std::vector<ResolvedAddress> in_order(std::vector<ResolvedAddress> addresses);

// How long an answer is used: its TTL within 1 s and 300 s.
std::chrono::seconds good_for(std::chrono::seconds ttl);

}  // namespace gatehouse::dns
