#include "proxy/system/signals.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace gatehouse {
namespace {

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void Signals::block() {
  const sigset_t set = our_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // Writing to what the other side has closed is an error like any other.
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

Signals::Signals(EventLoop& loop, std::move_only_function<void(int)> arrived)
    : arrived_(std::move(arrived)),
      descriptor_([] {
        const sigset_t set = our_signals();
        return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
      }()),
      watcher_(loop, descriptor_.get(), [this](IoEvents) { read(); }) {}

void Signals::read() {
  signalfd_siginfo info{};
  while (::read(descriptor_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo != SIGUSR2) arrived_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace gatehouse
