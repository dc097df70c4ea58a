// Who may read the admin pages: requests under a name that no foreign page can make a browser use, and of browsers
// only those that our own page sends, or a person who goes there. Pure, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "proxy/http/message.h"

namespace gatehouse {

// Whether `host` (without port and brackets, in lower case) is one that the admin pages answer to: an IP address,
// localhost, the machine's own name as it is now, one of `names`; nothing, as HTTP/1.0 and Unix sockets have it. No other
// name of DNS is among them, so that a page of another site cannot reach us by a name that it lets lead here (DNS
// rebinding). REQUIRES: `names` are in lower case
bool admin_serves_host(std::string_view host, std::span<const std::string> names);

// Why this request is refused, as a sentence with its line break; empty where it is not. Besides the host it looks at
// Origin, which must be our own, and at Sec-Fetch-* (https://www.w3.org/TR/fetch-metadata/): following a link to us
// is fine, what another site embeds or fetches is not. The view is of a constant.
std::string_view admin_refusal(const RequestHead& request, std::span<const std::string> names);

}  // namespace gatehouse
