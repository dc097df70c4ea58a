// A UrlPrefix as HTTP.sys knows it: scheme, host or wildcard, port, and the start of a path by whole segments. What is
// reserved for a user, and what his processes register. A value; pure, any thread.
//
//   https://+:443/orders/           strong wildcard: any host, before all others
//   https://shop.example.com/orders/     explicit host; port 443
//   https://192.0.2.7/orders/       address: any host, on the listener that has this address
//   https://*:443/orders/           weak wildcard: any host that nobody else has
//
// There is one spelling of a path, the one that requests are matched in (request_forms.h), with or without a slash at
// its end; another one is refused, and not understood as well as may be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace gatehouse {

struct UrlPrefix {
  // In the order in which they are asked, whatever their paths.
  enum class Category : std::uint8_t { kStrongWildcard, kHost, kAddress, kWeakWildcard };

  bool secure = false;
  Category category = Category::kHost;
  // In lower case; an address without brackets and in the system's own form; empty for wildcards.
  std::string host{};
  std::uint16_t port = 0;
  // Canonical, without a slash at its end but for "/" itself.
  std::string path = "/";

  // At most so many bytes: more than any that is meant.
  static constexpr std::size_t kLongest = 1024;

  // The error says what is wrong, and what would be right where that is known; it does not quote `text`.
  static Result<UrlPrefix> parse(std::string_view text);
  // One text for each prefix: with the port only if it is not the scheme's own, and a slash at the end.
  std::string to_string() const;

  // Whether `other` is this one or below it: the same scheme, host and port, and a path of all its segments or more. A
  // wildcard covers no host.
  bool covers(const UrlPrefix& other) const;
  // Everything that comes to a port, whatever its host.
  bool is_whole_port() const;

  friend bool operator==(const UrlPrefix&, const UrlPrefix&) = default;
};

// Whether `path` is `prefix` or below it by whole segments; both are canonical.
bool is_below(std::string_view prefix, std::string_view path);

}  // namespace gatehouse
