// The answers that Gatehouse makes itself: a small page, or plain text, that says what happened without repeating
// anything the client sent, with Proxy-Status (RFC 9209), Cache-Control: no-store and nosniff. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/http/fault.h"
#include "proxy/http/message.h"

namespace gatehouse {

struct ErrorPage {
  ResponseHead head;
  std::string body;
};

// `accept` is the request's Accept field: HTML where it asks for it, else text. `request_id` is escaped.
ErrorPage error_page(Fault fault, std::string_view accept, std::string_view request_id);

}  // namespace gatehouse
