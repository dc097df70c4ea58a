// The signals that mean something to Gatehouse, read by the control thread's loop from a descriptor: no handler ever
// interrupts anything. Owned by the Server; its thread.
#pragma once

#include <functional>

#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/result.h"

namespace gatehouse {

class EventLoop;

class Signals {
 public:
  // Holds the signals back (those that come before a Signals exists are not lost) and ignores SIGPIPE. REQUIRES: no
  // other thread runs yet; those that are started later inherit it.
  static void block();

  // `arrived` gets SIGHUP, SIGTERM, SIGINT, SIGQUIT and SIGUSR1, one a call, from the loop. Equal ones that come
  // before they are read are one call. SIGUSR2 is taken and ignored: it must not kill us. REQUIRES: block() was
  // called.
  Signals(EventLoop& loop, std::move_only_function<void(int)> arrived);

 private:
  void read();

  std::move_only_function<void(int)> arrived_;
  Fd descriptor_;
  IoWatcher watcher_;
};

}  // namespace gatehouse
