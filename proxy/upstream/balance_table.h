// What balancing needs to know of one set of endpoints beforehand: turns for round robin, sums of weights for draws,
// the ring for consistent hashing, and the affinity cookie that names each member. Made by a worker when it first sees
// a set, immutable from then on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/upstream/upstream.h"

namespace gatehouse {

class BalanceTable {
 public:
  using Member = EndpointSet::Member;
  struct Point {
    std::uint64_t at = 0;
    std::uint32_t member = 0;
  };

  BalanceTable(std::shared_ptr<const EndpointSet> set, const std::string& upstream, const UpstreamOptions& options);

  const EndpointSet& set() const { return *set_; }
  const std::shared_ptr<const EndpointSet>& shared_set() const { return set_; }
  const std::vector<Member>& members() const { return set_->members; }

  // One round of smooth weighted turns, as indices of members: those of great weight spread evenly between the others.
  const std::vector<std::uint32_t>& turns() const { return turns_; }  // Balance::kRoundRobin only
  // A member by chance, as often as its weight says. REQUIRES: there are members.
  std::size_t draw() const;
  // Points in order, some for each member as its weight says.
  const std::vector<Point>& ring() const { return ring_; }  // Balance::kHash only

  // The whole value of the affinity cookie, an id that shows nothing of the endpoint and means something to those alone
  // who have the key; empty without affinity. The member that it names, or null.
  std::string_view cookie_of(const Endpoint& endpoint) const;
  const Member* named_by(std::string_view cookie) const;
  bool contains(const Endpoint& endpoint) const;

 private:
  void make_turns();
  void make_ring();
  void make_cookies(const std::string& upstream, const UpstreamOptions& options);

  const std::shared_ptr<const EndpointSet> set_;
  std::uint64_t total_weight_ = 0;
  bool even_ = true;                 // all weights are the same
  std::vector<std::uint64_t> sums_;  // of the weights up to and including each; empty where they are even
  std::vector<std::uint32_t> turns_;
  std::vector<Point> ring_;
  std::vector<std::string> cookies_;  // of each member; empty without affinity
};

}  // namespace gatehouse
