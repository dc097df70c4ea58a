#include "proxy/frontend/client_connection.h"

#include <atomic>
#include <utility>

#include "common/event_loop.h"
#include "common/log.h"

namespace gatehouse {

// The list owns its members through plain links, which make leaving it from the middle cheap; adopt() is the one place
// where a link becomes an owner again.
namespace {

constexpr std::size_t kMostLooksInVain = 32;

std::unique_ptr<ClientConnection> adopt(ClientConnection& connection) {
  return std::unique_ptr<ClientConnection>(&connection);
}

// Once in the life of the process: it is a mistake of ours, and the one line says where to look.
void report_unlisted() {
  static std::atomic_flag reported;
  if (!reported.test_and_set(std::memory_order_relaxed)) log::error("a client connection was closed twice");
}

}  // namespace

ConnectionList::~ConnectionList() {
  for (Chain& chain : chains_) {
    while (chain.newest != nullptr) adopt(unlink(*chain.newest));
  }
}

void ConnectionList::add(std::unique_ptr<ClientConnection> connection) {
  connection->since_ = loop_.now();
  link(*connection.release(), kRecent);
}

void ConnectionList::close(ClientConnection& connection) {
  if (!connection.listed_) return report_unlisted();
  loop_.retire(adopt(unlink(connection)));
}

void ConnectionList::touch(ClientConnection& connection) {
  if (!connection.listed_) return;
  connection.since_ = loop_.now();
  if (&connection != chains_[kRecent].newest) link(unlink(connection), kRecent);
}

void ConnectionList::drain_all() {
  // drain() may close the connection itself, no other.
  for (const Chain& chain : chains_) {
    for (ClientConnection* next = chain.newest; next != nullptr;) {
      ClientConnection& connection = *std::exchange(next, next->older_);
      connection.drain();
    }
  }
}

void ConnectionList::close_all() {
  for (const Chain& chain : chains_) {
    for (ClientConnection* next = chain.newest; next != nullptr;) {
      ClientConnection& connection = *std::exchange(next, next->older_);
      connection.close_now();
    }
  }
}

ConnectionList::Evicted ConnectionList::make_room(std::size_t count) {
  Evicted evicted = search(kRecent, kQuiet, count);
  if (evicted.total() < count) {
    const Evicted more = search(kUnfinished, kHeadway, count - evicted.total());
    evicted.idle += more.idle;
    evicted.unfinished += more.unfinished;
  }
  return evicted;
}

// Each step closes a connection, moves one on for good, or is one of few looks at a socket: a search is never long.
ConnectionList::Evicted ConnectionList::search(ChainName chain, Duration younger_stay, std::size_t count) {
  Evicted evicted;
  std::size_t looks = count + kMostLooksInVain;
  const MonotonicTime youngest = loop_.now() - younger_stay;
  for (ClientConnection* next = chains_[chain].oldest; next != nullptr && next->since_ <= youngest;) {
    ClientConnection& connection = *std::exchange(next, next->newer_);
    const ClientConnection::Standing standing = connection.standing();
    const bool unfinished = standing == ClientConnection::Standing::kUnfinished;
    if (standing == ClientConnection::Standing::kServing) {
      link(unlink(connection), kServing);
    } else if (unfinished && chain == kRecent) {
      link(unlink(connection), kUnfinished);
    } else if (evicted.total() == count || looks-- == 0) {
      break;
    } else if (!connection.unread()) {
      connection.close_now();
      ++(unfinished ? evicted.unfinished : evicted.idle);
    }
  }
  return evicted;
}

void ConnectionList::link(ClientConnection& connection, ChainName name) {
  Chain& chain = chains_[name];
  connection.chain_ = name;
  connection.older_ = chain.newest;
  connection.newer_ = nullptr;
  (chain.newest != nullptr ? chain.newest->newer_ : chain.oldest) = &connection;
  chain.newest = &connection;
  connection.listed_ = true;
  ++size_;
}

ClientConnection& ConnectionList::unlink(ClientConnection& connection) {
  Chain& chain = chains_[connection.chain_];
  (connection.newer_ != nullptr ? connection.newer_->older_ : chain.newest) = connection.older_;
  (connection.older_ != nullptr ? connection.older_->newer_ : chain.oldest) = connection.newer_;
  connection.newer_ = nullptr;
  connection.older_ = nullptr;
  connection.listed_ = false;
  --size_;
  return connection;
}

}  // namespace gatehouse
