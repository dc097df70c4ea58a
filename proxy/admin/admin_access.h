// Who may read the admin pages: requests under a name that no foreign page can make a browser use, and of browsers only
// those that our own page sends, or a person who goes there. Pure, any thread.
#pragma once

#include <string_view>

#include "proxy/http/message.h"

namespace gatehouse {

// Whether `host` (without port, in lower case) is one that the admin pages answer to: an IP address, localhost, the
// machine's own name; nothing, as HTTP/1.0 and Unix sockets have it.
bool admin_serves_host(std::string_view host);

// Why this request is refused, as a sentence; empty: it is not.
std::string_view admin_refusal(const RequestHead& request);

}  // namespace gatehouse
