// What a connection of a client has of its own beyond its exchanges: whoever answers them may leave here what the next
// of them shall find, such as connections to endpoints that serve nobody else. One of each kind, each derived from
// Belonging by who leaves it. Owned by the client's connection, which knows no more of it, and ends with it. One loop's
// thread.
#pragma once

#include <memory>

namespace gatehouse {

class Belonging {
 public:
  virtual ~Belonging() = default;
};

// Null: there is none of the kind.
struct Belongings {
  // Connections to endpoints: PrivateConnections of proxy/upstream, and nothing else.
  std::unique_ptr<Belonging> connections;
  // A sign-in that goes on with the next request: what a TokenAcceptor of proxy/gates has given, and nothing else.
  std::unique_ptr<Belonging> sign_in;
};

// Null: nothing was left yet.
using BelongingsPtr = std::unique_ptr<Belongings>;

}  // namespace gatehouse
