// One transport connection of a client, whatever it speaks, as its worker sees it; and the list that owns them. A
// connection ends itself by ConnectionList::close(*this): it leaves the list at once and is destroyed at the end of the
// turn. What may be due in that turn yet (its timers, its wakers) calls it no more: they are made with until_closed().
// One loop's thread.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "common/clock.h"

namespace gatehouse {

class EventLoop;
class ConnectionList;

// What an HTTP/1 client that has not asked yet gets when we drain: its first request may be on the way.
inline constexpr std::chrono::seconds kOnlyRequestGrace{1};

class ClientConnection {
 public:
  // What would be lost if it were closed to make room for others.
  enum class Standing : std::uint8_t {
    kServing,     // a request, or an answer on its way: it stays
    kUnfinished,  // a handshake, a request head, or a first request that has not come at all
    kIdle,        // nothing: it has been served
  };

  virtual ~ClientConnection() = default;
  virtual void drain() = 0;  // finish what runs, begin nothing new, then close (GOAWAY, Connection: close)
  virtual Standing standing() const = 0;
  // The client has sent something that has not been read yet, as far as can be told. Asked rarely: a system call.
  virtual bool unread() const = 0;
  virtual void close_now() = 0;  // the deadline has come: break off what runs; where nothing runs, say goodbye

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
  MonotonicTime since_{};  // when it was added or touched
  std::uint8_t chain_ = 0;
  bool listed_ = false;
};

// Who is to go when there is no room for another one is found without a walk over all: connections stand in three
// chains, oldest first, and move on only when a search meets them and finds that they are something else by now.
//
//   recent ---serving---> serving      add() and touch() put a connection at the young end of the recent ones, so that
//          \-unfinished-> unfinished   in each chain those that have been as they are for longest come first
class ConnectionList {
 public:
  // So long nothing is closed for others: the next request of a client that was answered may be on its way.
  static constexpr std::chrono::seconds kQuiet{1};
  // So long no handshake or first request is cut short: several round trips of a slow path.
  static constexpr std::chrono::seconds kHeadway{3};
  struct Evicted {
    std::size_t idle = 0;
    std::size_t unfinished = 0;
    std::size_t total() const { return idle + unfinished; }
  };

  explicit ConnectionList(EventLoop& loop) : loop_(loop) {}
  ~ConnectionList();
  ConnectionList(const ConnectionList&) = delete;
  ConnectionList& operator=(const ConnectionList&) = delete;

  void add(std::unique_ptr<ClientConnection> connection);
  // Destroys the connection at the end of the turn; last statement of the caller. One that has left the list already is
  // refused, and the error logged: it must never be owned twice.
  void close(ClientConnection& connection);
  // Becomes the newest: called when it turns idle, and when a request head begins and does not end at once.
  void touch(ClientConnection& connection);
  std::size_t size() const { return size_; }
  void drain_all();
  void close_all();
  // Closes up to `count` connections so that others find room: those that have been idle longest; if there are too few,
  // those whose handshake or head has been unfinished longest. None with a request running, and none whose client has
  // sent something that we have not read.
  Evicted make_room(std::size_t count);

 private:
  enum ChainName : std::uint8_t { kRecent, kUnfinished, kServing };
  struct Chain {
    ClientConnection* newest = nullptr;
    ClientConnection* oldest = nullptr;
  };

  void link(ClientConnection& connection, ChainName chain);
  ClientConnection& unlink(ClientConnection& connection);
  Evicted search(ChainName chain, Duration younger_stay, std::size_t count);

  EventLoop& loop_;
  std::array<Chain, 3> chains_;
  std::size_t size_ = 0;
};

}  // namespace gatehouse
