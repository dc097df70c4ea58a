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
  static Result<std::unique_ptr<FakeEndpoint>> listen(EventLoop& loop);

  const Address& address() const { return address_; }
  // As it came; empty: no request has come.
  const std::string& head() const { return head_; }

  FakeEndpoint(EventLoop& loop, Fd socket);  // use listen()

 private:
  void accept();
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
