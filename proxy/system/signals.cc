#include "proxy/system/signals.h"

#include <fcntl.h>
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

bool Signals::hangup_is_an_end() {
  struct sigaction inherited{};
  if (sigaction(SIGHUP, nullptr, &inherited) != 0 || inherited.sa_handler == SIG_IGN) return false;
  return static_cast<bool>(Fd(::open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)));
}

void Signals::block() {
  const sigset_t set = our_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  // A write to what the other side has closed, or beyond the largest file that is allowed, is an error like any other.
  // Of the others none means anything here, and each would end the process.
  for (const int signal : {SIGPIPE, SIGXFSZ, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT, SIGXCPU}) {
    sigaction(signal, &ignore, nullptr);
  }
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) sigaction(signal, &ignore, nullptr);
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
