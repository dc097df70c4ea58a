// The answers that Gatehouse makes itself: a small page, plain text or a problem in JSON (RFC 9457), that says what happened without repeating
// anything the client sent but its request id. It comes with Proxy-Status (RFC 9209), Cache-Control: no-store and
// nosniff, with Retry-After where it may be better soon, with Allow for 405 (RFC 9110 section 15.5.6), and with the
// version of WebSocket that is spoken where a handshake is not valid.
// Exchange::fail() sends them. Pure, any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proxy/http/fault.h"
#include "proxy/http/message.h"

namespace gatehouse {

struct ErrorPage {
  ResponseHead head;
  std::string body;
};

// What is known besides the fault. All views are read during the call only.
struct FaultDetails {
  // 0: one second for faults that pass by themselves, else no Retry-After.
  std::chrono::seconds retry_after{0};
  // Takes the place of the page; empty: the page.
  std::string_view body{};
  // Of `body`; empty: plain text.
  std::string_view content_type{};
  // Stands in the page, escaped there: for clients that may know it.
  std::string_view cause{};
  // The endpoint, for Proxy-Status: likewise.
  std::string_view next_hop{};
  // Each is a WWW-Authenticate field: what the client may sign in by.
  std::span<const std::string> challenges{};
  // The errno where the system said why, for Proxy-Status and the access log; 0: it did not.
  int error = 0;
};

// `accept` is the request's Accept field: the page is HTML or application/problem+json where that is preferred, else
// text. `request_id` is escaped. A fault that allows no answer still gives a page, with status 500: there is no failure.
ErrorPage error_page(Fault fault, std::string_view accept, std::string_view request_id,
                     const FaultDetails& details = {});

}  // namespace gatehouse
