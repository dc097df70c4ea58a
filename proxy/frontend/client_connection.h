// One transport connection of a client, whatever it speaks, as its worker sees it; and the list that owns them. A
// connection ends itself by ConnectionList::close(*this): it leaves the list at once and is destroyed at the end of the
// turn. What may be due in that turn yet (its timers, its wakers) calls it no more: they are made with until_closed().
// One loop's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

namespace gatehouse {

class EventLoop;
class ConnectionList;

// What an HTTP/1 client that has not asked yet gets when we drain: its first request may be on the way.
inline constexpr std::chrono::seconds kOnlyRequestGrace{1};

class ClientConnection {
 public:
  virtual ~ClientConnection() = default;
  virtual void drain() = 0;       // finish what runs, begin nothing new, then close (GOAWAY, Connection: close)
  virtual bool idle() const = 0;  // no exchange runs: may be closed to free a descriptor
  virtual void close_now() = 0;   // the deadline has come: break off what runs

 protected:
  // What every timer and waker of a connection is made with: runs `call`, and nothing once the connection has closed.
  template <class Call>
  auto until_closed(Call call) {
    return [this, call = std::move(call)] {
      if (listed_) call();
    };
  }

 private:
  friend class ConnectionList;
  ClientConnection* newer_ = nullptr;
  ClientConnection* older_ = nullptr;
  bool listed_ = false;
};

class ConnectionList {
 public:
  explicit ConnectionList(EventLoop& loop) : loop_(loop) {}
  ~ConnectionList();
  ConnectionList(const ConnectionList&) = delete;
  ConnectionList& operator=(const ConnectionList&) = delete;

  void add(std::unique_ptr<ClientConnection> connection);
  // Destroys the connection at the end of the turn; last statement of the caller. One that has left the list already is
  // refused, and the error logged: it must never be owned twice.
  void close(ClientConnection& connection);
  void touch(ClientConnection& connection);  // becomes the newest: called when it turns idle
  std::size_t size() const { return size_; }
  void drain_all();
  void close_all();
  bool close_oldest_idle();  // false if none is idle

 private:
  void link(ClientConnection& connection);
  ClientConnection& unlink(ClientConnection& connection);

  EventLoop& loop_;
  ClientConnection* newest_ = nullptr;
  ClientConnection* oldest_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace gatehouse
