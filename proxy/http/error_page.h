// The answers that Gatehouse makes itself: a small page, or plain text, that says what happened without repeating
// anything the client sent, with Proxy-Status (RFC 9209), Cache-Control: no-store and nosniff; Retry-After where it may
// be better soon. Pure, any thread.
#pragma once

#include <chrono>
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

// What is known besides the fault.
struct FaultDetails {
  std::chrono::seconds retry_after{0};  // 0: as the fault suggests
  std::string_view body{};              // in place of the page; empty: the page
  std::string_view content_type{};      // of `body`
  std::string_view cause{};             // for the page, if the client may know; escaped
  std::string_view next_hop{};          // for Proxy-Status, likewise: the endpoint
  std::string_view error{};             // for Proxy-Status: what the system said: "EMFILE"
};

// `accept` is the request's Accept field: HTML where it asks for it, else text. `request_id` is escaped.
ErrorPage error_page(Fault fault, std::string_view accept, std::string_view request_id,
                     const FaultDetails& details = {});

}  // namespace gatehouse
