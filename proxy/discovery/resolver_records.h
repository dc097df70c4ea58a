// What DNS records come to as the addresses of an upstream: which services count, how heavy each is, in which order,
// and how many at most. Pure, any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "proxy/discovery/resolver.h"
#include "proxy/discovery/resolver_channel.h"

namespace gatehouse::dns {

inline constexpr std::size_t kMostAddresses = 256;
inline constexpr std::uint32_t kGreatestWeight = 1000;

// Those of the lowest priority (RFC 2782), at most kMostAddresses, with weights of 1 to kGreatestWeight in their
// proportions.
std::vector<DnsService> chosen(std::vector<DnsService> services);

// Sorted, each once (with its greatest weight); of too many always the same ones.
std::vector<ResolvedAddress> in_order(std::vector<ResolvedAddress> addresses);

// How long an answer is used: its TTL within 1 s and 300 s.
std::chrono::seconds good_for(std::chrono::seconds ttl);

}  // namespace gatehouse::dns
