// gRPC to an endpoint that speaks gRPC-Web only: what becomes of both heads on a route with grpc = "web". The bodies of
// requests are the same in both; those of answers get a GrpcWebResponse. Source: "gRPC Web" of the gRPC documentation.
// Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>

#include "proxy/http/message.h"

namespace gatehouse::grpc_web {

// Makes a gRPC request one of gRPC-Web, but for its content-type, which is returned: "application/grpc-web+proto". It is
// for the overlay, so that the head still says what the client has asked. The endpoint is not asked for trailers, nor for
// a content coding, which would hide the frames. Any other request, a browser's gRPC-Web among them, is left as it is,
// and an empty string is returned. To be called before the route's edits.
std::string make_request(RequestHead& head);

// What the answer to such a request is.
enum class Response : std::uint8_t {
  // Of another type (an error page): it passes as it is.
  kOther,
  // gRPC-Web whose trailers are at the end of its body, which is of unknown length by now.
  kFrames,
  // It has its grpc-status in its head, and no body.
  kTrailersOnly,
  // gRPC-Web in a form that was not asked for, and that cannot be made gRPC: kGrpcWebInvalid.
  kInvalid,
};
// Makes the head of the answer one of gRPC.
Response make_response(ResponseHead& head);

// Where the head of a gRPC answer has the status of the call there is no body (Trailers-Only): says so, for endpoints that
// announce one all the same. So the head leaves together with the end, by which clients of gRPC tell.
void settle_trailers_only(ResponseHead& head);

}  // namespace gatehouse::grpc_web
