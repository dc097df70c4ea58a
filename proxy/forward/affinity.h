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

// Returns the hash of what the upstream hashes on: the client's address (the one that trusted proxies name, without
// its port), a field, a cookie, or the canonical path. Returns nothing if the upstream does not hash, or the request
// has nothing to hash: clients on a Unix socket have no address.
std::optional<std::uint64_t> key(const RequestHead& head, const ClientInfo& client, const UpstreamOptions& options);

// Returns the value of the first cookie of that name; empty if there is none. A view of the fields. Looks at one
// Cookie field, which is all that check_request() leaves.
std::string_view cookie(const FieldList& fields, std::string_view name);

// Returns the value of Set-Cookie: a session cookie for the whole site, HttpOnly and SameSite=Lax, and Secure if
// `secure`.
std::string set_cookie(std::string_view name, std::string_view value, bool secure);

}  // namespace gatehouse::affinity
