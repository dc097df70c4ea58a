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
  std::size_t route = 0;  // its index in the table
  std::string why;
};

struct RouteReasons {
  const Route* chosen = nullptr;  // null: no route
  std::string why;
  std::vector<PassedOver> others;  // that match as well; where none is chosen, those that come near
};

RouteReasons route_reasons(const RouteTable& table, std::string_view host, std::string_view path);

}  // namespace gatehouse
