// gRPC as far as a proxy has to know of it: which requests are gRPC, the time that their clients give them, and how a
// fault of ours is told to a client that reads grpc-status and not the status of HTTP. Sources: "gRPC over HTTP2" and
// "HTTP to gRPC Status Code Mapping" of the gRPC documentation. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "proxy/http/error_page.h"
#include "proxy/http/fault.h"
#include "proxy/http/message.h"

namespace gatehouse {

// Whether it is a gRPC request: its content-type is application/grpc or application/grpc+..., be it with parameters.
// gRPC-Web (application/grpc-web) is not: what browsers speak is ordinary HTTP.
bool is_grpc(const RequestHead& head);

namespace grpc {

// Of the canonical codes those that a proxy has a reason to say.
enum class Status : std::uint8_t {
  kCancelled = 1,
  kUnknown = 2,
  kDeadlineExceeded = 4,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kUnauthenticated = 16,
};

// Returns what follows "application/grpc" in a content-type of gRPC: "", "+proto", "; charset=utf-8". Nothing: it is
// another type.
std::optional<std::string_view> subtype(std::string_view content_type);

// Reads the value of grpc-timeout: one to eight digits and a unit of H, M, S, m, u, n. Nothing where it is not valid.
// More than a year is a year.
std::optional<Duration> parse_timeout(std::string_view value);

// What a fault is in the words of gRPC: by the status of its answer, or by what the fault says beyond that.
Status status_of(Fault fault);

// As grpc-message wants it: bytes other than printable ASCII, and "%", as %XX.
std::string percent_encoded(std::string_view message);

// Makes an error page what gRPC calls Trailers-Only: 200 with grpc-status and grpc-message in its head, and no body.
// Proxy-Status and Retry-After stay. `content_type` is the request's.
void make_trailers_only(ErrorPage& page, Fault fault, std::string_view content_type);

}  // namespace grpc
}  // namespace gatehouse
