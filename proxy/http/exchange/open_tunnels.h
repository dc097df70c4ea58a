// The tunnels of a worker that are open, so that their ends can be told before the time is over. Owned by the worker's
// ExchangeContext; one loop's thread. A tunnel is in it as long as it has an Entry, which is a member of its exchange.
#pragma once

#include <cstddef>
#include <functional>
#include <list>

namespace gatehouse {

class Exchange;

class OpenTunnels {
 public:
  class Entry {
   public:
    Entry() = default;
    ~Entry() {
      if (in_ != nullptr) in_->exchanges_.erase(position_);
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    // REQUIRES: it is in none
    void enter(OpenTunnels& in, Exchange& exchange) {
      in_ = &in;
      position_ = in.exchanges_.insert(in.exchanges_.end(), &exchange);
    }

   private:
    OpenTunnels* in_ = nullptr;
    std::list<Exchange*>::iterator position_;
  };

  // Calls leave_tunnel() of each that `which` says. Returns how many there are: their last bytes leave in this turn.
  std::size_t leave(const std::function<bool(const Exchange&)>& which);

 private:
  std::list<Exchange*> exchanges_;
};

}  // namespace gatehouse
