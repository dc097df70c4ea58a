// What processes have registered below the prefixes that are reserved for their users: each is an upstream with one
// endpoint, for as long as its owner's connection lives (registration_socket.h). Owned by the Rollout, outlives the
// socket; the control thread's.
//
//   claim --> coming --published--> serving --release--> leaving --published, nothing in flight--> gone
//                  |                   |                    |
//                  +-------------------+--------------------+--end, or its reservation goes--> gone at once
//
// Coming and serving ones are in the table that is published. A request that is in flight at one that is gone at once
// runs for as long as its endpoint serves it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/discovery/registration_target.h"
#include "proxy/discovery/reservations.h"
#include "proxy/observe/control_metrics.h"
#include "proxy/upstream/membership.h"

namespace gatehouse {

class EventLoop;

// One that is to be routed.
struct RegistrationView {
  std::uint64_t id = 0;
  UrlPrefix prefix;
  // The prefix of its reservation: the name of its upstream, so that metrics have no more series than are reserved.
  std::string reservation;
  // Of its process.
  uid_t user = 0;
  int pid = 0;
  // Where it leads, for people.
  std::string target;
  WallTime since{};
  std::shared_ptr<Membership> membership;
};

class Registrations {
 public:
  using Id = std::uint64_t;
  // At most so many of one user.
  static constexpr std::size_t kMostOfUser = 256;

  struct Hooks {
    // What is registered has changed: `done` is to be called, later and on this thread, when all workers route by it.
    std::function<void(std::move_only_function<void()> done)> publish;
    // Why a prefix that nobody has registered cannot be served all the same; empty: it can.
    std::function<std::string(const UrlPrefix&)> taken_by_route;
  };
  struct Claim {
    UrlPrefix prefix;
    RegistrationTarget target;
    // Called once, when all workers route it.
    std::move_only_function<void()> routed;
    // Called at most once: its reservation is gone, and so is the registration.
    std::move_only_function<void(Id)> revoked;
  };

  Registrations(EventLoop& loop, ControlMetrics& metrics, Hooks hooks);
  ~Registrations();
  Registrations(const Registrations&) = delete;
  Registrations& operator=(const Registrations&) = delete;

  // What is reserved from now on. Registrations that this does not allow any more are gone.
  void configure(std::vector<Reservation> reservations);
  // Whether anything is reserved for it.
  bool knows(const Registrant& who) const;

  // Fine if `who` may register the prefix and nobody has it. The error says why not.
  Result<> check(const Registrant& who, const UrlPrefix& prefix);
  // Registers it. The callbacks are called from the loop or from configure(), never from this call, and none after end();
  // they may end any registration. REQUIRES: check()
  // said so in this turn.
  Id claim(const Registrant& who, Claim claim);
  // No more requests go there; `idle` is called once when none is in flight any more, and it is gone then.
  void release(Id id, std::move_only_function<void()> idle);
  // It is gone. Does nothing if it is already.
  void end(Id id);

  // Those that are to be routed, by their prefix.
  std::vector<RegistrationView> views() const;
  // Writes what there is, for a scrape.
  void note(ControlMetrics& metrics) const;

 private:
  enum class Stage : std::uint8_t { kComing, kServing, kLeaving, kIdling };
  struct Record {
    RegistrationView view;
    Registrant who;
    std::uint32_t slot = 0;
    Stage stage = Stage::kComing;
    // Of the publication that knows of its stage.
    std::uint64_t version = 0;
    std::shared_ptr<Endpoint> endpoint;
    std::move_only_function<void()> routed;
    std::move_only_function<void(Id)> revoked;
    std::move_only_function<void()> idle;
  };

  std::uint32_t free_slot(uid_t user) const;
  std::size_t count_of(uid_t user) const;
  const Record* at(const UrlPrefix& prefix) const;
  void change(Record& record, Stage stage);
  void publish();
  void published(std::uint64_t version);
  void look_after_idling();
  void count(std::string_view reservation, std::string_view event);

  EventLoop& loop_;
  ControlMetrics& metrics_;
  Hooks hooks_;
  std::vector<Reservation> reservations_;
  std::map<Id, Record> records_;
  Id last_ = 0;
  std::uint64_t version_ = 0;
  Waker changed_;
  Timer idling_check_;
  // Null once destroyed, for what is posted.
  std::shared_ptr<Registrations*> self_;
};

}  // namespace gatehouse
