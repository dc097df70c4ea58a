#include "proxy/frontend/client_connection.h"

#include <atomic>
#include <utility>

#include "common/event_loop.h"
#include "common/log.h"

namespace gatehouse {

// The list owns its members through plain links, which make leaving it from the middle cheap; adopt() is the one place
// where a link becomes an owner again.
namespace {

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
  while (newest_ != nullptr) adopt(unlink(*newest_));
}

void ConnectionList::add(std::unique_ptr<ClientConnection> connection) {
  link(*connection.release());
}

void ConnectionList::close(ClientConnection& connection) {
  if (!connection.listed_) return report_unlisted();
  loop_.retire(adopt(unlink(connection)));
}

void ConnectionList::touch(ClientConnection& connection) {
  if (connection.listed_ && &connection != newest_) link(unlink(connection));
}

void ConnectionList::drain_all() {
  // drain() may close the connection itself, no other.
  for (ClientConnection* next = newest_; next != nullptr;) {
    ClientConnection& connection = *std::exchange(next, next->older_);
    connection.drain();
  }
}

void ConnectionList::close_all() {
  for (ClientConnection* next = newest_; next != nullptr;) {
    ClientConnection& connection = *std::exchange(next, next->older_);
    connection.close_now();
  }
}

bool ConnectionList::close_oldest_idle() {
  // Idle connections move to the front when they become so: the oldest idle one is near the back, behind the busy ones.
  for (ClientConnection* connection = oldest_; connection != nullptr; connection = connection->newer_) {
    if (!connection->idle()) continue;
    connection->close_now();
    return true;
  }
  return false;
}

void ConnectionList::link(ClientConnection& connection) {
  connection.older_ = newest_;
  connection.newer_ = nullptr;
  (newest_ != nullptr ? newest_->newer_ : oldest_) = &connection;
  newest_ = &connection;
  connection.listed_ = true;
  ++size_;
}

ClientConnection& ConnectionList::unlink(ClientConnection& connection) {
  (connection.newer_ != nullptr ? connection.newer_->older_ : newest_) = connection.older_;
  (connection.older_ != nullptr ? connection.older_->newer_ : oldest_) = connection.newer_;
  connection.newer_ = nullptr;
  connection.older_ = nullptr;
  connection.listed_ = false;
  --size_;
  return connection;
}

}  // namespace gatehouse
