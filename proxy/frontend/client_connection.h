// One transport connection of a client, whatever it speaks, as its worker sees it; and the list that owns them. A
// connection ends itself by ConnectionList::close(*this): it leaves the list at once and is destroyed at the end of
// the turn. What may be due in that turn yet (its timers, its wakers) calls it no more: they are made with
// until_closed(). One loop's thread.
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

// How long an HTTP/1 client that has not asked yet is still waited for when we drain: its first request may be on the
// way.
inline constexpr std::chrono::seconds kOnlyRequestGrace{1};

// The list calls a connection only while it is listed. drain() and close_now() may close the connection that they are
// called on, and no other one.
class ClientConnection {
 public:
  // What would be lost if the connection were closed to make room for others.
  enum class Standing : std::uint8_t {
    // A request, or an answer on its way: the connection stays.
    kServing,
    // A handshake, a request head, or a first request that has not come at all.
    kUnfinished,
    // Nothing: the client has been served.
    kIdle,
  };

  virtual ~ClientConnection() = default;
  // Finishes what runs, begins nothing new, and closes then (GOAWAY, Connection: close); at once if nothing runs.
  // What has been let in and has not asked yet may still have a short time for its first request.
  virtual void drain() = 0;
  // The answer holds for this moment: a connection changes it without telling the list.
  virtual Standing standing() const = 0;
  // Returns whether the client has sent something that has not been read yet, as far as can be told. Asked rarely,
  // because it may cost a system call.
  virtual bool unread() const = 0;
  // The deadline has come, or the connection makes room. Breaks off what runs; where nothing runs, says goodbye. The
  // connection has left the list when the call returns.
  virtual void close_now() = 0;

 protected:
  // Every timer and waker of a connection is made with this: it runs `call`, and nothing once the connection has left
  // the list.
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
  // When it was added or touched last.
  MonotonicTime since_{};
  std::uint8_t chain_ = 0;
  bool listed_ = false;
};

// Who is to go when there is no room for another one is found without a walk over all: connections stand in three
// chains, oldest first, and move on only when a search meets them and finds that they are something else by now.
//
//   add(), touch() --> recent --search: serving------> serving      until touched or closed; never searched
//                        |  \---search: unfinished---> unfinished --search, after kHeadway--> closed
//                        \------search, idle for kQuiet-----------------------------------> closed
//
// add() and touch() put a connection at the young end of the recent ones, so that in each chain those that have been
// as they are for longest come first.
class ConnectionList {
 public:
  // So long nothing is closed for others: the next request of a client that was answered may be on its way.
  static constexpr std::chrono::seconds kQuiet{1};
  // So long no handshake or first request is cut short: several round trips of a slow path.
  static constexpr std::chrono::seconds kHeadway{3};
  // How many connections make_room() has closed, by their standing.
  struct Evicted {
    std::size_t idle = 0;
    std::size_t unfinished = 0;
    std::size_t total() const { return idle + unfinished; }
  };

  // `loop` outlives the list.
  explicit ConnectionList(EventLoop& loop) : loop_(loop) {}
  // Destroys what is left without a goodbye.
  ~ConnectionList();
  ConnectionList(const ConnectionList&) = delete;
  ConnectionList& operator=(const ConnectionList&) = delete;

  // Takes the connection over and calls nothing of it.
  void add(std::unique_ptr<ClientConnection> connection);
  // Destroys the connection at the end of the turn; last statement of the caller. One that has left the list already
  // is refused, and the error is logged once: it must never be owned twice.
  void close(ClientConnection& connection);
  // Makes the connection the newest. Called when it turns idle, when a request head begins and does not end at once,
  // and when a QUIC connection gets its permit. Nothing happens to one that has left the list.
  void touch(ClientConnection& connection);
  std::size_t size() const { return size_; }
  // Calls drain() of every connection that is listed now, once each.
  void drain_all();
  // Calls close_now() of every connection that is listed now, once each.
  void close_all();
  // Closes up to `count` connections so that others find room: those that have been idle longest; if there are too
  // few, those whose handshake or head has been unfinished longest. None with a request running, and none whose
  // client has sent something that we have not read. Returns how many it closed; a search gives up after some looks
  // at sockets in vain.
  Evicted make_room(std::size_t count);

 private:
  enum ChainName : std::uint8_t { kRecent, kUnfinished, kServing };
  // Linked through newer_ and older_ of the connections.
  struct Chain {
    ClientConnection* newest = nullptr;
    ClientConnection* oldest = nullptr;
  };

  // Puts the connection at the young end of the chain.
  void link(ClientConnection& connection, ChainName chain);
  // Takes the connection out of its chain; the caller owns it from then on.
  ClientConnection& unlink(ClientConnection& connection);
  // `younger_stay`: those that are younger are left alone.
  Evicted search(ChainName chain, Duration younger_stay, std::size_t count);

  EventLoop& loop_;
  std::array<Chain, 3> chains_;
  std::size_t size_ = 0;
};

}  // namespace gatehouse
