// The Unix socket (mode 0600, peers of the same user or root only) through which `gatehouse reload`, `drain` and `stop`
// reach the running process. One line in, the outcome out, its last line "ok" or "failed"; then the connection is
// closed, but a reply may ask to keep it open, so that its client notices when the process ends. Who says nothing, or
// does not read its reply, is dropped after five seconds, and at once where another wants to be heard. Owned by the
// Server; its thread.
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

struct ControlReply {
  bool ok = false;
  std::string text;            // lines, each with its end
  bool until_the_end = false;  // keep the connection open
};

class ControlSocket {
  struct Private {};

 public:
  using Handler = std::move_only_function<ControlReply(std::string_view command)>;
  struct Bound {
    std::filesystem::path path;
    Fd listening;
  };

  // A socket that nobody answers any more is replaced; one that somebody does is an error.
  static Result<std::unique_ptr<ControlSocket>> open(EventLoop& loop, const std::filesystem::path& path,
                                                     Handler handler);
  ControlSocket(Private /*only_open_makes_one*/, EventLoop& loop, Bound bound, Handler handler);
  ~ControlSocket();  // removes the socket file
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  // Makes the socket known under the path where commands look for it first, too, by a symbolic link.
  void also_at(const std::filesystem::path& path);

 private:
  class Client;

  void accept();
  void make_room();
  void end(Client& client);

  EventLoop& loop_;
  const std::filesystem::path path_;
  std::filesystem::path alias_;  // empty: none
  Handler handler_;
  Fd listening_;
  std::vector<std::unique_ptr<Client>> clients_;
  IoWatcher watcher_;
};

}  // namespace gatehouse
