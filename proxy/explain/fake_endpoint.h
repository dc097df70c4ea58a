// Takes the part of every endpoint in a dry run: a socket on loopback that keeps the head of the one request that
// comes, and answers it with nothing but a status. Owned by the DryRun; its loop's thread.
#pragma once

#include <memory>
#include <string>

#include "common/address.h"
#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/result.h"

namespace gatehouse {

class EventLoop;

class FakeEndpoint {
 public:
  // Listens on 127.0.0.1, on a port that the kernel chooses. `loop` outlives it.
  static Result<std::unique_ptr<FakeEndpoint>> listen(EventLoop& loop);

  const Address& address() const { return address_; }
  // As it came, without the empty line at its end; empty where no request has come.
  const std::string& head() const { return head_; }

  // Use listen().
  FakeEndpoint(EventLoop& loop, Fd socket);

 private:
  // Takes the first connection and no other.
  void accept();
  // Answers when the head is complete, and throws away what follows: a body.
  void read();

  EventLoop& loop_;
  const Fd socket_;
  const Address address_;
  Fd connection_;
  std::string head_;
  bool responded_ = false;
  std::unique_ptr<IoWatcher> reading_;
  IoWatcher accepting_;
};

}  // namespace gatehouse
