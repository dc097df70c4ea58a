// The status as server-sent events: who listens, and what each is sent. A bounded number of subscribers; one that does
// not read for some events is dropped, and is sent nothing more meanwhile, so that it holds one event at most. Owned by
// the StatusBoard, outlives the admin pages; control thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/exchange.h"

namespace gatehouse {

class StatusEvents {
 public:
  static constexpr std::size_t kMostSubscribers = 16;
  static constexpr int kMissedEvents = 5;  // that a subscriber may sleep through

  // One client that listens, for as long as its exchange lives.
  class Subscription {
   public:
    // Answers the exchange with the beginning of the stream, and `first` in it.
    Subscription(StatusEvents& events, Exchange& exchange, std::string_view first);
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

   private:
    friend class StatusEvents;
    void send(std::string_view event);

    StatusEvents& events_;
    Exchange& exchange_;
    int missed_ = 0;
  };

  bool full() const { return subscriptions_.size() >= kMostSubscribers; }
  bool listened_to() const { return !subscriptions_.empty(); }
  void publish(std::string_view json);  // REQUIRES: no line break in it

 private:
  std::vector<Subscription*> subscriptions_;
};

}  // namespace gatehouse
