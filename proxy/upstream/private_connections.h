// Connections to endpoints that belong to one connection of a client, because an endpoint takes all that comes on them
// for that client's: it has authenticated there (NTLM, Negotiate), or a PROXY header has said who it is. They rest here
// between its exchanges, and are nobody else's. Left by Forwarders among the Belongings of the client's connection,
// which owns them; one loop's thread. They hold room (a descriptor), and no permit while they rest.
//
//   Lease --keep()--> PrivateConnections --find(), take()--> Lease of the client's next exchange
//                        |
//                        +-- idle for too long, closed by the endpoint, the endpoint is gone, or for want of room:
//                        |   its Pool ends it, and find() does not find it
//                        +-- the client's connection has ended: closed with it
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/address.h"
#include "proxy/http/belongings.h"
#include "proxy/upstream/pool.h"

namespace gatehouse {

// One of them. Its Pool knows it for as long as it has not ended.
class PrivateConnection {
 public:
  // For Pool::keep_private().
  PrivateConnection(Pool& pool, std::unique_ptr<UpstreamConnection> connection);
  ~PrivateConnection();
  PrivateConnection(const PrivateConnection&) = delete;
  PrivateConnection& operator=(const PrivateConnection&) = delete;

  const std::shared_ptr<Endpoint>& endpoint() const { return endpoint_; }
  bool ended() const { return connection_ == nullptr; }

 private:
  friend class Pool;
  friend class PrivateConnections;
  // Good until it has ended.
  Pool* pool_;
  const std::shared_ptr<Endpoint> endpoint_;
  std::unique_ptr<UpstreamConnection> connection_;
};

class PrivateConnections final : public Belonging {
 public:
  // Which of them an exchange may have.
  struct Claim {
    std::string_view upstream;
    // Who the endpoint was told is there; null: it was told nothing.
    const Address* introduced = nullptr;
    // Also one on which the client has authenticated.
    bool identified = false;
  };
  struct Taken {
    Lease lease;
    // The client has authenticated on it, or has begun to.
    bool identified = false;
  };

  // Returns those of the client's connection. Null: it has none.
  static PrivateConnections* of(const BelongingsPtr& belongings) {
    return belongings ? static_cast<PrivateConnections*>(belongings->connections.get()) : nullptr;
  }
  // Likewise, and begins to have some.
  static PrivateConnections& begin(BelongingsPtr& belongings);

  // Returns where the one is that came last of those that fit the claim; null: there is none. Good until the next call.
  const std::shared_ptr<Endpoint>* find(const Claim& claim);
  // Returns that one if it leads to the permit's endpoint, and leaves the permit alone if not.
  std::optional<Taken> take(const Claim& claim, Permit& permit);
  // The lease ends as an exchange's, with its permit given back, and its connection rests here as what `is` says; or is
  // closed, if its endpoint is gone, or others wait for room. REQUIRES: on_done(true) was called.
  void keep(Lease lease, const Claim& is);
  // Those that have not ended.
  std::size_t size();

 private:
  struct Kept {
    std::unique_ptr<PrivateConnection> connection;
    std::optional<Address> introduced;
    bool identified = false;
  };
  std::vector<Kept>::iterator look(const Claim& claim);

  // The last one is the youngest.
  std::vector<Kept> kept_;
};

}  // namespace gatehouse
