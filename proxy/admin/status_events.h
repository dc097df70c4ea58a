// The status as server-sent events: who listens, and what each is sent. A bounded number of subscribers; one that
// does not read for some events is dropped, and is sent nothing more meanwhile, so that it holds one event at most.
// Owned by the StatusBoard, outlives the admin pages; control thread.
//
//   StatusBoard --publish, each second--> StatusEvents --send--> Subscription --> response pipe of its exchange
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/exchange/exchange.h"

namespace gatehouse {

class StatusEvents {
 public:
  static constexpr std::size_t kMostSubscribers = 16;
  // How many events in a row a subscriber misses before it is dropped: the fifth ends its exchange (kClientStalled).
  static constexpr int kMissedEvents = 5;

  // One client that listens, for as long as its exchange lives.
  class Subscription {
   public:
    // Answers the exchange with the beginning of the stream, and `first` as the first event. Both outlive the
    // subscription, which the exchange's responder owns. REQUIRES: not full(), no answer yet, and no line break in
    // `first`.
    Subscription(StatusEvents& events, Exchange& exchange, std::string_view first);
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

   private:
    friend class StatusEvents;
    // Writes the event if the one before has left for the client, else counts it as missed.
    void send(std::string_view event);

    StatusEvents& events_;
    Exchange& exchange_;
    // In a row.
    int missed_ = 0;
  };

  // No more subscribers are let in; who comes is answered with 503.
  bool full() const { return subscriptions_.size() >= kMostSubscribers; }
  // False if making an event would be for nobody.
  bool listened_to() const { return !subscriptions_.empty(); }
  // Sends an event to everybody. Nobody is destroyed below this call: an exchange that fails for what it missed ends
  // in a later waker. REQUIRES: no line break in `json`.
  void publish(std::string_view json);

 private:
  // Each puts itself in and takes itself out.
  std::vector<Subscription*> subscriptions_;
};

}  // namespace gatehouse
