// Which endpoint a request belongs to: the key that consistent hashing looks at, and the cookie of sticky
// upstreams. Pure functions, any thread. Nothing here allocates but the making of a cookie.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/client_info.h"
#include "proxy/http/message.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::affinity {

// Returns nothing if the upstream does not hash, or the request has nothing to hash.
std::optional<std::uint64_t> key(const RequestHead& head, const ClientInfo& client, const UpstreamOptions& options);

// The value of the first cookie of that name; empty if there is none. A view of the fields.
std::string_view cookie(const FieldList& fields, std::string_view name);

std::string set_cookie(std::string_view name, std::string_view value, bool secure);

}  // namespace gatehouse::affinity
