// What balancing needs to know of one set of endpoints beforehand: turns for round robin, sums of weights for draws,
// the ring for consistent hashing, and the affinity cookie that names each member. Made by the UpstreamPools of a
// worker when they first see a set, and owned by them; immutable. It keeps the set alive.
//
// All that it computes refers to members by their index in the set:
//
//   members   A (weight 3)   B (weight 1)
//   turns     A A B A                         one round; whose turn it is the Upstream counts, for all workers
//   sums      3, 4                            draw(): the first sum above a random number below 4
//   ring      ..A...A.B..A....A..B..A..A.     points by their hash; a key belongs to the next point
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
  // A point of the ring. The hashes from behind the point before up to `at` belong to the member with this index; those
  // behind the last point to the first one's.
  struct Point {
    std::uint64_t at = 0;
    std::uint32_t member = 0;
  };

  // Computes what the options ask for. `upstream` is the name, of which the cookies are made together with each
  // member's `affinity`, so that they hold over reloads and in every worker.
  BalanceTable(std::shared_ptr<const EndpointSet> set, const std::string& upstream, const UpstreamOptions& options);

  const EndpointSet& set() const { return *set_; }
  const std::shared_ptr<const EndpointSet>& shared_set() const { return set_; }
  const std::vector<Member>& members() const { return set_->members; }

  // One round of smooth weighted turns, as indices of members: those of great weight are spread evenly between the
  // others. A round has about 4096 turns at most, for which weights are rounded, but every member has one. Empty unless
  // the balance is kRoundRobin.
  const std::vector<std::uint32_t>& turns() const { return turns_; }
  // Returns the index of a member by chance, each as often as its weight says. REQUIRES: there are members.
  std::size_t draw() const;
  // The points of all members in order, 160 for each on average and at least one, as its weight says. Empty unless the
  // balance is kHash.
  const std::vector<Point>& ring() const { return ring_; }

  // Returns the whole value of the affinity cookie for the endpoint: an id that shows nothing of it and can be made and
  // read by those alone who have the key. Empty without affinity, or if the endpoint is no member. The view lives as
  // long as the table.
  std::string_view cookie_of(const Endpoint& endpoint) const;
  // Returns the member that a cookie names, or null. Any bytes from a client will do.
  const Member* named_by(std::string_view cookie) const;
  bool contains(const Endpoint& endpoint) const;

 private:
  void make_turns();
  void make_ring();
  void make_cookies(const std::string& upstream, const UpstreamOptions& options);

  const std::shared_ptr<const EndpointSet> set_;
  std::uint64_t total_weight_ = 0;
  // All weights are the same.
  bool even_ = true;
  // Of the weights up to and including each member's; empty where they are even.
  std::vector<std::uint64_t> sums_;
  std::vector<std::uint32_t> turns_;
  std::vector<Point> ring_;
  // One for each member; empty without affinity.
  std::vector<std::string> cookies_;
};

}  // namespace gatehouse
