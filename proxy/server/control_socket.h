// The Unix socket (mode 0600, peers of the same user or root only) through which `gatehouse reload`, `drain`, `stop`,
// `cache` and `app` reach the running process. Owned by the Server; its thread. One line in, the outcome out, its last line
// "ok" or "failed"; then the connection is closed, but a reply may ask to keep it open, so that its client notices
// when the process ends. A reply may take its time. Who says nothing, or does not read its reply, is dropped after five seconds, and at once
// where another wants to be heard (16 clients at most).
//
//   client:  reload\n
//   server:  LINES of diagnostics, configuration 3 is in force\n
//            ok\n                                                   closed
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/result.h"

namespace gatehouse {

class EventLoop;

// What a command came to.
struct ControlReply {
  bool ok = false;
  // Lines for people, each with its end. The line "ok" or "failed" is added behind them.
  std::string text;
  // True keeps the connection open until the process ends.
  bool until_the_end = false;
};

class ControlSocket {
  struct Private {};

 public:
  // To be called once, at any time and from the socket's thread; nothing happens where the client, or the socket, has
  // gone meanwhile.
  using Reply = std::move_only_function<void(const ControlReply&)>;
  // Gets a command without white space around it, at most 4 KiB long, once for each connection. It must not
  // destroy the socket.
  using Handler = std::move_only_function<void(std::string_view command, Reply reply)>;
  // What open() has made.
  struct Bound {
    std::filesystem::path path;
    Fd listening;
  };

  // Listens at `path`. A socket that nobody answers any more is replaced; one that somebody does is an error.
  // Commands are handled from the loop, never inside this call.
  static Result<std::unique_ptr<ControlSocket>> open(EventLoop& loop, const std::filesystem::path& path,
                                                     Handler handler);
  ControlSocket(Private /*only_open_makes_one*/, EventLoop& loop, Bound bound, Handler handler);
  // Removes the socket file and the link, and closes the connections that were kept open.
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  // Makes the socket known under the path where commands look for it first, too, by a symbolic link, which replaces
  // another link but nothing else. That it cannot be made is no failure.
  void also_at(const std::filesystem::path& path);

 private:
  class Client;

  void accept();
  void make_room();
  void end(Client& client);

  EventLoop& loop_;
  const std::filesystem::path path_;
  // The link; empty: none.
  std::filesystem::path alias_;
  Handler handler_;
  Fd listening_;
  std::vector<std::unique_ptr<Client>> clients_;
  IoWatcher watcher_;
};

}  // namespace gatehouse
