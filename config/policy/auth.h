// How users sign in on a route with `auth`: what a configuration chooses and a gate carries out. Plain values, no thread
// affinity.
#pragma once

#include <cstdint>

namespace gatehouse {

// Whether a sign-in by Negotiate is bound to the TLS connection that it comes by (RFC 5929, tls-server-end-point).
enum class ChannelBinding : std::uint8_t {
  // Nobody looks: where TLS ends at a proxy in front, clients bind themselves to its certificate.
  kOff,
  // A client that binds itself to a certificate has to mean ours.
  kAllow,
  // Every client has to.
  kRequire,
};

}  // namespace gatehouse
