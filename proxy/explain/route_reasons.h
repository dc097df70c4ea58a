// Why a request takes its route and not the others. The route table says what matches, whole and route by route; here
// it is only put into words. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/forward/route_table.h"

namespace gatehouse {

struct PassedOver {
  // Its index in RouteTable::routes().
  std::size_t route = 0;
  std::string why;
};

struct RouteReasons {
  // Of the table; null where no route matches.
  const Route* chosen = nullptr;
  std::string why;
  // Those that match as well, in the order of the table. Where none is chosen, those that come near: five at most, of
  // which the host or the path fits.
  std::vector<PassedOver> others;
};

// `host` and `path` are canonical, as RequestHead has them.
RouteReasons route_reasons(const RouteTable& table, std::string_view host, std::string_view path);

// Says which routes the readings of a path (as sent; `canonical` is its canonical form) belong to, if it is to more than
// one: kAmbiguousPath.
std::string why_ambiguous(const RouteTable& table, std::string_view host, std::string_view path,
                          std::string_view canonical);

}  // namespace gatehouse
