// Who may ask, by address: `allow` and `deny` of a route. What `deny` lists is refused; of the rest everybody passes, or,
// if `allow` lists anything, only what it lists. A v4-mapped IPv6 address is its IPv4 address. A client of a Unix socket
// has no address: the entry "unix" alone is about it, so that `allow` refuses it and `deny` lets it pass without one.
//
// Part of a route, made with its snapshot, immutable from then on: any thread. A decision is a binary search, however
// many ranges there are.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/address.h"

namespace gatehouse {

class AddressGate {
 public:
  struct Decision {
    bool passes = true;
    // The entry that decided, the widest of those that contain the address; null: none contains it.
    const AddressRange* by = nullptr;
  };

  // Lets everybody pass.
  AddressGate() = default;
  AddressGate(const std::vector<AddressRange>& allow, const std::vector<AddressRange>& deny);

  // Everybody passes.
  bool open() const { return !asks_; }
  bool admits(const Address& client) const { return open() || decide(client).passes; }
  // `by` lives as long as the gate.
  Decision decide(const Address& client) const;

 private:
  // The family, then the address: in their order all of v4 is before all of v6.
  using Key = std::array<std::uint8_t, 17>;

  class Ranges {
   public:
    Ranges() = default;
    explicit Ranges(const std::vector<AddressRange>& ranges);
    bool empty() const { return sorted_.empty() && !unix_; }
    // Null: none of them contains it.
    const AddressRange* find(const Address& address) const;

   private:
    struct Interval {
      Key first, last;
      AddressRange range;
    };
    static std::optional<Key> key_of(const Address& address);
    static Interval interval_of(const AddressRange& range);

    // Disjoint: of ranges with a common prefix one contains the other, and only the widest is kept.
    std::vector<Interval> sorted_;
    std::optional<AddressRange> unix_;
  };

  Ranges allow_;
  Ranges deny_;
  bool asks_ = false;
};

}  // namespace gatehouse
