// What the client of one h2 connection has been told of HTTP/3 by ALTSVC frames (RFC 7838 section 4), beside the field
// of its answers: a frame for each origin that it asks for, when the first answer of it goes out, and again when what
// there is to say has changed. Owned by the H2Connection of a listener with alt_svc_frame; one loop's thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

namespace gatehouse {

class H2Alternatives {
 public:
  // Clients name the origins: of any others they have the field alone.
  static constexpr std::size_t kMostOrigins = 16;

  // Queues a frame on stream 0 unless the client has been told this `value` already. `authority` is a request's that
  // was found valid, in lower case; `value` is that of Alt-Svc in its answer.
  void tell(nghttp2_session* session, std::string_view authority, std::string_view value);

 private:
  struct Told {
    std::string authority;
    std::string value;
  };
  std::vector<Told> told_;
};

// Returns the origin of https with that authority, as RFC 6454 section 6.2 writes it: the default port is left out.
std::string origin_of(std::string_view authority);

}  // namespace gatehouse
