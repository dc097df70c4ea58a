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
  // Whether SIGHUP is the end of the terminal that we were started on: there is one, and the signal is not to be
  // outlived (nohup). To be asked before block().
  static bool hangup_is_an_end();

  // Holds the signals back (those that come before a Signals exists are not lost) and ignores whatever else would end a
  // process for no reason of its own: SIGPIPE, SIGALRM, SIGIO, the real-time signals and so on. What tells of a fault
  // (SIGSEGV, SIGABRT), stops or is for a debugger stays as it is. REQUIRES: no other thread runs yet; those that are
  // started later inherit it.
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
