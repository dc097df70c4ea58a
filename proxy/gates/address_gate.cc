#include "proxy/gates/address_gate.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "common/text.h"

namespace gatehouse {

AddressGate::AddressGate(const std::vector<AddressRange>& allow, const std::vector<AddressRange>& deny)
    : allow_(allow), deny_(deny), asks_(!allow.empty() || !deny.empty()) {}

AddressGate::Decision AddressGate::decide(const Address& client) const {
  if (const AddressRange* const refused = deny_.find(client)) return {.passes = false, .by = refused};
  if (allow_.empty()) return {};
  const AddressRange* const allowed = allow_.find(client);
  return {.passes = allowed != nullptr, .by = allowed};
}

AddressGate::Ranges::Ranges(const std::vector<AddressRange>& ranges) {
  for (const AddressRange& range : ranges) {
    if (range.contains(*Address::parse("unix:/"))) {
      unix_ = range;
    } else {
      sorted_.push_back(interval_of(range));
    }
  }
  std::ranges::sort(sorted_, [](const Interval& a, const Interval& b) {
    return a.first != b.first ? a.first < b.first : a.last > b.last;
  });
  const auto within = [](const Interval& wider, const Interval& next) { return next.last <= wider.last; };
  sorted_.erase(std::unique(sorted_.begin(), sorted_.end(), within), sorted_.end());
}

const AddressRange* AddressGate::Ranges::find(const Address& address) const {
  const std::optional<Key> key = key_of(address);
  if (!key) return address.is_unix() && unix_ ? &*unix_ : nullptr;
  const auto behind = std::ranges::upper_bound(sorted_, *key, {}, &Interval::first);
  if (behind == sorted_.begin()) return nullptr;
  const Interval& candidate = *std::prev(behind);
  return *key <= candidate.last ? &candidate.range : nullptr;
}

// Nothing for what is no IP address.
std::optional<AddressGate::Key> AddressGate::Ranges::key_of(const Address& address) {
  Key key{};
  if (address.family() == AF_INET) {
    key[0] = 4;
    std::memcpy(&key[1], &reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr, 4);
    return key;
  }
  if (address.family() != AF_INET6) return std::nullopt;
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr;
  const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
  key[0] = mapped ? 4 : 6;
  std::memcpy(&key[1], v6.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
  return key;
}

// Of its text, "10.0.0.0/8": the bits behind the prefix become zeros for the first address, and ones for the last.
AddressGate::Ranges::Interval AddressGate::Ranges::interval_of(const AddressRange& range) {
  const std::string text = range.to_string();
  const std::size_t slash = text.find('/');
  const bool v6 = text.contains(':');
  const std::string host = v6 ? "[" + text.substr(0, slash) + "]" : text.substr(0, slash);
  const std::size_t prefix = *text::parse_decimal(std::string_view(text).substr(slash + 1));
  Key first = *key_of(*Address::parse(host + ":0"));
  first[0] = v6 ? 6 : 4;
  Key last = first;
  for (std::size_t bit = prefix; bit < (v6 ? 128U : 32U); ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    first[1 + bit / 8] = static_cast<std::uint8_t>(first[1 + bit / 8] & ~mask);
    last[1 + bit / 8] = static_cast<std::uint8_t>(last[1 + bit / 8] | mask);
  }
  return {.first = first, .last = last, .range = range};
}

}  // namespace gatehouse
