#include "proxy/runtime/alt_svc_watch.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "common/event_loop.h"
#include "common/log.h"
#include "common/timer.h"
#include "proxy/frontend/quic/quic_group.h"
#include "proxy/frontend/quic/quic_probe.h"
#include "proxy/runtime/alt_svc_evidence.h"

namespace gatehouse {

namespace {

using Standing = AltSvcState::Standing;
using Groups = std::vector<std::shared_ptr<QuicGroup>>;

// However many workers there are.
constexpr std::chrono::milliseconds kShortestPause{100};
// After one that failed: who is not there is told so at once, and shall not be asked all the time.
constexpr std::chrono::milliseconds kBeforeRepeat{200};

constexpr std::string_view kWithdrawn = "{}: HTTP/3 is advertised no more (Alt-Svc: clear): {}";

}  // namespace

class AltSvcWatch::Listener {
 public:
  Listener(EventLoop& loop, const ListenerSnapshot& listener, const BoundListener& bound)
      : loop_(loop),
        name_(listener.name),
        state_(bound.alt_svc_state),
        groups_(bound.groups),
        ids_(listener.quic.ids),
        ways_(ways_of(groups_)),
        evidence_(ways_.size() * workers(), state_->standing()),
        pause_(loop, [this] { next(); }) {
    pause_.arm(Duration::zero());
  }

  AltSvcState& state() { return *state_; }
  bool is_of(const Groups& groups) const { return groups == groups_; }

 private:
  struct Way {
    QuicGroup* group;
    Address address;
  };

  static std::vector<Way> ways_of(const Groups& groups) {
    std::vector<Way> ways;
    for (const auto& group : groups) {
      for (const Address& address : group->ways()) ways.push_back({.group = group.get(), .address = address});
    }
    return ways;
  }
  std::size_t workers() const { return groups_.front()->workers(); }

  // The workers change with each probe, and the way when all had their turn.
  void next() {
    if (ways_.empty()) return;
    const std::size_t worker = step_ % workers();
    const Way& way = ways_[step_ / workers() % ways_.size()];
    probe_ = std::make_unique<QuicProbe>(
        loop_,
        QuicProbe::Target{
            .address = way.address, .id = ids_.make(worker), .token = way.group->probe_token(loop_.wall_now())},
        [this](Result<> outcome) { probed(std::move(outcome)); });
  }

  void probed(Result<> outcome) {
    loop_.retire(std::move(probe_));  // which has called us
    if (outcome) {
      ++step_;
      evidence_.probe_passed();
      pause_.arm(evidence_.proven() ? pause() : Duration::zero());
    } else {
      evidence_.probe_failed(outcome.error());
      pause_.arm(kBeforeRepeat);
    }
    ask_how_clients_fare();
    judge();
  }

  void judge() {
    const MonotonicTime now = loop_.now();
    const Standing standing = evidence_.standing(now);
    const bool changed = standing != state_->standing();
    state_->set(standing, evidence_.reason(now));
    if (!changed) return;
    if (standing == Standing::kAdvertised) {
      log::info("{}: HTTP/3 is advertised (Alt-Svc): {}", name_, state_->reason());
    } else {
      log::warn(kWithdrawn, name_, state_->reason());
    }
  }

  Duration pause() const {
    return std::max<Duration>(kRound / static_cast<std::chrono::milliseconds::rep>(workers()), kShortestPause);
  }

  void ask_how_clients_fare() {
    std::uint64_t successes = 0;
    bool crowd_fails = false;
    for (const auto& group : groups_) {
      successes += group->handshakes().successes();
      crowd_fails = crowd_fails || group->handshakes().only_failures(loop_.now());
    }
    if (std::exchange(successes_, successes) != successes) evidence_.client_succeeded();
    if (crowd_fails) evidence_.clients_fail(loop_.now());
  }

  EventLoop& loop_;
  const std::string name_;
  const std::shared_ptr<AltSvcState> state_;
  const Groups groups_;
  const QuicIdLayout ids_;
  const std::vector<Way> ways_;
  AltSvcEvidence evidence_;
  // How many probes have passed.
  std::size_t step_ = 0;
  // Of clients, when they were asked last.
  std::uint64_t successes_ = 0;
  std::unique_ptr<QuicProbe> probe_;
  Timer pause_;
};

AltSvcWatch::AltSvcWatch(EventLoop& loop) : loop_(loop) {}

AltSvcWatch::~AltSvcWatch() = default;

void AltSvcWatch::adopt(const Snapshot& snapshot, const std::map<std::string, BoundListener>& bound) {
  std::set<std::string> names;
  for (const ListenerSnapshot& listener : snapshot.listeners) {
    const auto found = bound.find(listener.name);
    if (found == bound.end() || !found->second.alt_svc_state) continue;
    names.insert(listener.name);
    if (listener.policy->alt_svc.empty()) {
      withdraw(listener.name, "the configuration has it no more");
    } else {
      offer(listener, found->second);
    }
  }
  std::vector<std::string> gone;
  for (const auto& [name, listener] : listeners_) {
    if (!names.contains(name)) gone.push_back(name);
  }
  for (const std::string& name : gone) withdraw(name, "the listener has gone");
}

void AltSvcWatch::offer(const ListenerSnapshot& listener, const BoundListener& bound) {
  std::unique_ptr<Listener>& known = listeners_[listener.name];
  if (known && known->is_of(bound.groups)) return;
  known = std::make_unique<Listener>(loop_, listener, bound);
}

void AltSvcWatch::withdraw(const std::string& name, std::string_view why) {
  const auto found = listeners_.find(name);
  if (found == listeners_.end()) return;
  AltSvcState& state = found->second->state();
  const bool advertised = state.standing() == Standing::kAdvertised;
  if (state.standing() != Standing::kUnproven) state.set(Standing::kWithdrawn, std::string(why));
  if (advertised) log::info(kWithdrawn, name, why);
  listeners_.erase(found);
}

void AltSvcWatch::drain() {
  while (!listeners_.empty()) withdraw(listeners_.begin()->first, "the server drains");
}

}  // namespace gatehouse
