#include "proxy/discovery/registrations.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <format>
#include <set>

#include "common/event_loop.h"
#include "common/log_limit.h"

namespace gatehouse {
namespace {

// There is no event for an endpoint that has become idle, so that requests need not ask whether to raise one.
constexpr std::chrono::milliseconds kIdlingCheck{10};

constinit log::Limited comings("registrations that came or went");

constexpr std::string_view kRefused = "refused";
constexpr std::array<std::string_view, 5> kEvents{"registered", "released", "lost", "revoked", kRefused};

std::shared_ptr<const EndpointSet> set_of(std::shared_ptr<Endpoint> endpoint) {
  auto set = std::make_shared<EndpointSet>();
  set->members.push_back({.endpoint = std::move(endpoint), .weight = 1, .affinity = {}});
  return set;
}

}  // namespace

Registrations::Registrations(EventLoop& loop, ControlMetrics& metrics, Hooks hooks)
    : loop_(loop),
      metrics_(metrics),
      hooks_(std::move(hooks)),
      changed_(loop, [this] { publish(); }),
      idling_check_(loop, [this] { look_after_idling(); }),
      self_(std::make_shared<Registrations*>(this)) {}

Registrations::~Registrations() {
  *self_ = nullptr;
}

void Registrations::configure(std::vector<Reservation> reservations) {
  reservations_ = std::move(reservations);
  for (const Reservation& each : reservations_) {
    for (const std::string_view event : kEvents) {
      metrics_.registration_events.try_emplace({each.prefix.to_string(), std::string(event)});
    }
  }
  std::vector<Id> revoked;
  for (const auto& [id, record] : records_) {
    const Reservation* decides = reservation_of(reservations_, record.view.prefix);
    const bool stays =
        decides != nullptr && decides->prefix.to_string() == record.view.reservation && is_owner(*decides, record.who);
    if (stays) continue;
    comings.info("{} of user {} (process {}) is not served any more: its reservation is gone",
                 record.view.prefix.to_string(), record.view.user, record.view.pid);
    count(record.view.reservation, "revoked");
    record.endpoint->set(Obstacle::kNotServing);
    revoked.push_back(id);
  }
  if (revoked.empty()) return;
  changed_.wake();
  for (const Id id : revoked) {
    if (auto record = records_.extract(id)) record.mapped().revoked(id);
  }
}

bool Registrations::knows(const Registrant& who) const {
  return std::ranges::any_of(reservations_, [&](const Reservation& each) { return is_owner(each, who); });
}

Result<> Registrations::check(const Registrant& who, const UrlPrefix& prefix) {
  const Reservation* decides = reservation_of(reservations_, prefix);
  const auto refuse = [&](std::string why) {
    count(decides == nullptr ? "" : decides->prefix.to_string(), kRefused);
    return failure(std::move(why));
  };
  // Who has nothing there learns nothing of it either.
  if (decides == nullptr || !is_owner(*decides, who)) {
    return refuse(std::format("{} is not reserved for user {}", prefix.to_string(), who.user));
  }
  if (const Record* const other = at(prefix)) {
    return refuse(std::format("{} is registered already, by process {} of user {}", prefix.to_string(), other->view.pid,
                              other->view.user));
  }
  if (auto why = hooks_.taken_by_route(prefix); !why.empty()) return refuse(std::move(why));
  if (count_of(who.user) >= kMostOfUser) {
    return refuse(std::format("user {} has {} registrations, and no more are allowed", who.user, kMostOfUser));
  }
  return {};
}

Registrations::Id Registrations::claim(const Registrant& who, Claim claim) {
  const Reservation* decides = reservation_of(reservations_, claim.prefix);
  Record record;
  record.who = who;
  record.view = {.id = ++last_,
                 .prefix = std::move(claim.prefix),
                 .reservation = decides->prefix.to_string(),
                 .user = who.user,
                 .pid = who.pid,
                 .target = std::move(claim.target.text),
                 .since = loop_.wall_now(),
                 .membership = {}};
  record.slot = free_slot(who.user);
  record.endpoint =
      std::make_shared<Endpoint>(Endpoint::Identity{.upstream = record.view.reservation,
                                                    .address = claim.target.address,
                                                    .name = std::format("{}#{}", decides->owner_name, record.slot),
                                                    .authority = claim.target.address.is_unix() ? "localhost" : "",
                                                    .listening_user = claim.target.listening_user,
                                                    .holds = std::move(claim.target.holds)});
  record.view.membership =
      std::make_shared<Membership>(record.view.reservation, set_of(record.endpoint), Membership::Hooks{});
  record.routed = std::move(claim.routed);
  record.revoked = std::move(claim.revoked);
  comings.info("{} is served at {} by process {} of user {}", record.view.prefix.to_string(), record.view.target,
               who.pid, who.user);
  count(record.view.reservation, "registered");
  change(records_.emplace(last_, std::move(record)).first->second, Stage::kComing);
  return last_;
}

void Registrations::release(Id id, std::move_only_function<void()> idle) {
  const auto found = records_.find(id);
  if (found == records_.end()) return;
  Record& record = found->second;
  record.idle = std::move(idle);
  count(record.view.reservation, "released");
  change(record, Stage::kLeaving);
}

void Registrations::end(Id id) {
  const auto found = records_.find(id);
  if (found == records_.end()) return;
  Record& record = found->second;
  record.endpoint->set(Obstacle::kNotServing);
  if (record.stage == Stage::kComing || record.stage == Stage::kServing) {
    count(record.view.reservation, "lost");
    changed_.wake();
  }
  comings.info("{} of user {} (process {}) is not served any more", record.view.prefix.to_string(), record.view.user,
               record.view.pid);
  records_.erase(found);
}

std::vector<RegistrationView> Registrations::views() const {
  std::vector<RegistrationView> views;
  for (const auto& [id, record] : records_) {
    if (record.stage == Stage::kComing || record.stage == Stage::kServing) views.push_back(record.view);
  }
  std::ranges::sort(views, {}, [](const RegistrationView& view) { return view.prefix.to_string(); });
  return views;
}

void Registrations::note(ControlMetrics& metrics) const {
  metrics.registrations.clear();
  for (const Reservation& each : reservations_) metrics.registrations[each.prefix.to_string()] = 0;
  for (const auto& [id, record] : records_) ++metrics.registrations[record.view.reservation];
}

std::uint32_t Registrations::free_slot(uid_t user) const {
  std::set<std::uint32_t> taken;
  for (const auto& [id, record] : records_) {
    if (record.view.user == user) taken.insert(record.slot);
  }
  std::uint32_t slot = 0;
  while (taken.contains(slot)) ++slot;
  return slot;
}

std::size_t Registrations::count_of(uid_t user) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(records_, [user](const auto& entry) { return entry.second.view.user == user; }));
}

const Registrations::Record* Registrations::at(const UrlPrefix& prefix) const {
  const auto found = std::ranges::find_if(records_, [&](const auto& entry) {
    const Stage stage = entry.second.stage;
    return entry.second.view.prefix == prefix && (stage == Stage::kComing || stage == Stage::kServing);
  });
  return found == records_.end() ? nullptr : &found->second;
}

void Registrations::change(Record& record, Stage stage) {
  record.stage = stage;
  record.version = version_ + 1;
  changed_.wake();
}

void Registrations::publish() {
  const std::uint64_t version = ++version_;
  hooks_.publish([self = self_, version] {
    if (*self != nullptr) (*self)->published(version);
  });
}

// What it calls may end any of them.
void Registrations::published(std::uint64_t version) {
  std::vector<Id> routed;
  for (auto& [id, record] : records_) {
    if (record.version > version) continue;
    if (record.stage == Stage::kComing) {
      record.stage = Stage::kServing;
      routed.push_back(id);
    } else if (record.stage == Stage::kLeaving) {
      // No worker chooses it any more: whoever has, has a permit.
      record.stage = Stage::kIdling;
      record.endpoint->set(Obstacle::kNotServing);
      idling_check_.arm(Duration::zero());
    }
  }
  for (const Id id : routed) {
    if (const auto found = records_.find(id); found != records_.end()) std::exchange(found->second.routed, nullptr)();
  }
}

void Registrations::look_after_idling() {
  std::vector<Id> idle;
  for (const auto& [id, record] : records_) {
    if (record.stage != Stage::kIdling) continue;
    if (record.endpoint->in_flight() == 0) {
      idle.push_back(id);
    } else {
      idling_check_.arm(kIdlingCheck);
    }
  }
  for (const Id id : idle) {
    if (auto record = records_.extract(id)) record.mapped().idle();
  }
}

void Registrations::count(std::string_view reservation, std::string_view event) {
  ++metrics_.registration_events[{std::string(reservation), std::string(event)}];
}

}  // namespace gatehouse
