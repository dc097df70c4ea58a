// What the cache does for one exchange: answers it with what is stored, or lets it wait for what another fetches, or sees
// to it that what an endpoint says is stored. Owned by the exchange's Forwarder, which asks at four places; one loop's
// thread. Destroying it at any moment is right: who waits for this exchange goes on.
//
//   begin --kResponded
//     |-----kWaits ... resumed(kResponded | kAsks)
//     +-----kAsks --> judge(head) --kPasses--> on_complete
//                       |   kTakes --> take_over: the endpoint's own body is nobody's
//                       +-- none has come --> stands_in: answered with what is stale, or not
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/timer.h"
#include "common/waker.h"
#include "proxy/cache/cache.h"
#include "proxy/cache/conditions.h"
#include "proxy/cache/recorder.h"
#include "proxy/http/cache_result.h"
#include "proxy/http/exchange/body_pipe.h"
#include "proxy/http/exchange/exchange.h"

namespace gatehouse::cache {

class Visit {
 public:
  enum class Next : std::uint8_t {
    // The exchange has its response, whose body follows as the client takes it.
    kResponded,
    // resumed() will say.
    kWaits,
    // An endpoint has to be asked, with the request as it is now.
    kAsks,
  };
  enum class Verdict : std::uint8_t { kPasses, kTakes };

  // `target` is what the endpoint gets. `resumed` is called at most once, with kResponded or kAsks, after kWaits.
  Visit(Exchange& exchange, const Policy& policy, std::string_view target, std::move_only_function<void(Next)> resumed);
  ~Visit();
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  // To be called once, when the request is as it is forwarded.
  Next begin();
  // The final head has come, as the client would get it. kPasses: it goes on to the client, what has to be kept of it is,
  // and it says Cache-Status. kTakes: take_over() answers instead, and the connection writes to nowhere() from then on.
  Verdict judge(ResponseHead& head);
  void take_over(const ResponseHead& head);
  // Where the body goes that nobody wants.
  BodyPipe& nowhere() { return nowhere_; }
  // Whether the exchange has what was stored, whatever the endpoint says.
  bool responded() const { return sending_.entry != nullptr; }
  // The response has passed to its end: what was recorded of it is stored.
  void on_complete();
  // There is none now. True: the exchange has a stale one, as its endpoint allows.
  bool stands_in();
  // There will be none. True: likewise.
  bool stands_in_for_good();
  // Nothing will be stored: nobody has to wait for it any more.
  void give_up();

 private:
  // What is known of the request.
  struct Asked {
    // Empty: it has nothing to do with the cache.
    std::string key;
    // The key of the response that the request chooses, where Vary is known.
    std::string variant;
    CacheControl control;
    Conditions conditions;
    // Why an endpoint is asked, in the words of Cache-Status.
    std::string_view forwarded_for = "bypass";
  };
  // How it is asked for.
  struct Flight {
    std::unique_ptr<Flights::Seat> seat;
    int taken = 0;
    // Others waited with it, or it with them.
    bool collapsed = false;
    // The endpoint is asked whether what is stored is good still.
    bool conditional = false;
    MonotonicTime asked_at{};
    // Who waits does so no longer than this for a body.
    std::unique_ptr<Timer> patience;
  };
  struct Sending {
    EntryPtr entry;
    std::string_view rest;
    std::unique_ptr<Waker> room;
  };
  struct Recording {
    Recorder* recorder = nullptr;
    ResponseHead head;
    Terms terms;
    std::vector<std::string> vary;
    Duration age{};
  };

  Next look_up();
  void find();
  Next take_seat();
  void on_told(Flights::Outcome outcome);
  Next ask();
  void ask_whether_changed();
  // Whether the stored one may stand for one that cannot be had.
  bool may_stand_in() const;
  Next respond(const EntryPtr& entry, CacheResult result, std::string_view how);
  void send();
  void record(const ResponseHead& head, const Terms& terms, std::vector<std::string> vary);
  void put(EntryPtr entry, const std::vector<std::string>& vary);
  // What is stored for this request is void.
  void drop();
  void invalidate(const ResponseHead& head);
  void settle(Flights::Outcome outcome);
  std::string status_of_forwarded(const ResponseHead& head, bool stored) const;
  MonotonicTime now() const;

  Exchange& exchange_;
  const Policy& policy_;
  const std::string target_;
  std::move_only_function<void(Next)> resumed_;
  Asked asked_;
  // What is stored and may be stale; null: nothing.
  EntryPtr entry_;
  Flight flight_;
  Sending sending_;
  Recording recording_;
  BodyPipe nowhere_;
};

}  // namespace gatehouse::cache
