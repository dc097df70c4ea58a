#include "proxy/cache/visit.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <utility>

#include "common/event_loop.h"
#include "proxy/cache/key.h"
#include "proxy/cache/stored_response.h"
#include "proxy/http/request_id.h"

namespace gatehouse::cache {

namespace {

// Once for the URL, and once for what the request chooses there.
constexpr int kMostSeats = 2;
// What fits into a pipe leaves at once.
constexpr std::size_t kAtOnce = BodyPipe::kDefaultCapacity;

}  // namespace

Visit::Visit(Exchange& exchange, const Policy& policy, std::string_view target,
             std::move_only_function<void(Next)> resumed)
    : exchange_(exchange), policy_(policy), target_(target), resumed_(std::move(resumed)) {}

Visit::~Visit() {
  if (recording_.recorder != nullptr) recording_.recorder->forget();
  if (sending_.room) exchange_.response_pipe().writer().set_waker(nullptr);
}

MonotonicTime Visit::now() const {
  return exchange_.loop().now();
}

Visit::Next Visit::begin() {
  const RequestHead& request = exchange_.request();
  exchange_.record().cache = CacheResult::kBypass;
  const bool reads = request.method == "GET" || request.is_head();
  if (!reads) {
    asked_.forwarded_for = "method";
    return ask();
  }
  if (!concerns_cache(request)) return ask();
  if (policy_.caching == Caching::kHttpSys && request.fields.find(FieldName::kAuthorization)) return ask();
  asked_.conditions = Conditions::of(request.fields);
  if (policy_.obeys_clients) asked_.control = control_of_request(request.fields);
  if (asked_.conditions.for_endpoint || asked_.control.no_store) {
    asked_.forwarded_for = "request";
    return ask();
  }
  if (request.is_head()) asked_.conditions.fields.remove("range");
  asked_.key = key_of(request, target_, policy_.scope);
  return look_up();
}

// Sets the key under which the response lies that the request chooses, as far as it is known.
void Visit::find() {
  Store& store = policy_.cache->store;
  asked_.variant.clear();
  entry_ = store.find(asked_.key);
  asked_.forwarded_for = "uri-miss";
  if (!entry_ || !entry_->chooses()) return;
  asked_.variant = variant_key(asked_.key, entry_->vary, entry_->generation, exchange_.request().fields);
  entry_ = store.find(asked_.variant);
  asked_.forwarded_for = "vary-miss";
}

Visit::Next Visit::look_up() {
  find();
  exchange_.record().cache = CacheResult::kMiss;
  if (entry_) {
    const Duration age = entry_->age(now());
    if (satisfies(asked_.control, entry_->terms, age)) {
      return respond(entry_, entry_->fresh(now()) ? CacheResult::kHit : CacheResult::kStale, "hit");
    }
    asked_.forwarded_for = entry_->fresh(now()) ? "request" : "stale";
    // By the rules of HTTP.sys what is over is gone.
    if (policy_.caching == Caching::kHttpSys) entry_.reset();
  }
  if (asked_.control.only_if_cached) {
    ResponseHead head{.status = 504};
    say_cache_status(head.fields, std::format("fwd={}", asked_.forwarded_for));
    say_request_id(head.fields, exchange_.record().request_id);
    exchange_.respond(std::move(head), "");
    return Next::kResponded;
  }
  return take_seat();
}

// While what is stale may be served still, one request asks for another and the rest has the stale one. Who wants a part,
// or to know of a change, waits for nobody where nothing is known yet: what comes of it may be for it
// alone. Nor does who wants it from its source.
Visit::Next Visit::take_seat() {
  const bool plain = !exchange_.request().is_head() && (entry_ || asked_.conditions.none());
  const bool from_source = asked_.control.no_cache || asked_.control.max_age || asked_.control.min_fresh;
  if (!plain || from_source || flight_.taken == kMostSeats) return ask();
  ++flight_.taken;
  const bool revalidates = entry_ && -entry_->left(now()) <= entry_->terms.while_revalidate;
  flight_.seat = policy_.cache->flights.take_seat(asked_.variant.empty() ? asked_.key : asked_.variant,
                                                  exchange_.loop(), [this](auto outcome) { on_told(outcome); });
  const bool leads = flight_.seat && flight_.seat->leads();
  if (revalidates && !leads) {
    flight_.seat.reset();
    return respond(entry_, CacheResult::kStale, "hit; detail=stale-while-revalidate");
  }
  return !flight_.seat || leads ? ask() : Next::kWaits;
}

void Visit::on_told(Flights::Outcome outcome) {
  if (outcome != Flights::Outcome::kLeads) flight_.seat.reset();
  Next next = Next::kAsks;
  switch (outcome) {
    case Flights::Outcome::kStored:
      flight_.collapsed = true;
      next = look_up();
      if (next == Next::kWaits) return;
      break;
    case Flights::Outcome::kFailed:
      next = may_stand_in() ? respond(entry_, CacheResult::kStale, "hit; detail=stale-if-error") : ask();
      break;
    case Flights::Outcome::kLeads:
    case Flights::Outcome::kNotStored:
      next = ask();
      break;
  }
  std::exchange(resumed_, nullptr)(next);
}

Visit::Next Visit::ask() {
  flight_.asked_at = now();
  if (entry_ && exchange_.request().method == "GET" && policy_.caching == Caching::kHttp) ask_whether_changed();
  return Next::kAsks;
}

// RFC 9111 section 4.3.1: by what is stored, whatever the client has. Its own conditions are for what comes of it.
void Visit::ask_whether_changed() {
  const auto tag = entry_->head.fields.find("etag");
  const auto modified = entry_->head.fields.find("last-modified");
  if (entry_->head.status != 200 || (!tag && !modified)) return;
  FieldList& fields = exchange_.request().fields;
  fields.remove_if(is_judged_here);
  if (tag) fields.add("If-None-Match", *tag);
  if (modified) fields.add("If-Modified-Since", *modified);
  flight_.conditional = true;
}

bool Visit::may_stand_in() const {
  if (!entry_) return false;
  const Duration over = -entry_->left(now());
  return over < Duration::zero() || (entry_->terms.if_error > Duration::zero() && over <= entry_->terms.if_error);
}

bool Visit::stands_in() {
  if (exchange_.response() || !may_stand_in()) return false;
  settle(Flights::Outcome::kFailed);
  respond(entry_, CacheResult::kStale, "hit; detail=stale-if-error");
  return true;
}

bool Visit::stands_in_for_good() {
  if (stands_in()) return true;
  settle(Flights::Outcome::kFailed);
  return false;
}

void Visit::give_up() {
  settle(Flights::Outcome::kNotStored);
}

void Visit::settle(Flights::Outcome outcome) {
  flight_.patience.reset();
  if (flight_.seat && flight_.seat->leads()) flight_.seat->settle(outcome, now());
}

Visit::Next Visit::respond(const EntryPtr& entry, CacheResult result, std::string_view how) {
  ExchangeRecord& record = exchange_.record();
  record.cache = result;
  sending_.entry = entry;
  StoredResponse stored = stored_response(*entry, asked_.conditions, now(), exchange_.loop().wall_now());
  const auto left = std::chrono::floor<std::chrono::seconds>(entry->left(now()));
  say_cache_status(stored.head.fields,
                   std::format("{}; ttl={}{}", how, left.count(), flight_.collapsed ? "; collapsed" : ""));
  say_request_id(stored.head.fields, record.request_id);
  if (stored.body.size() <= kAtOnce) {
    exchange_.respond(std::move(stored.head), stored.body);
    return Next::kResponded;
  }
  stored.head.body = BodyLength::known(stored.body.size());
  sending_.rest = exchange_.request().is_head() ? std::string_view() : stored.body;
  exchange_.respond(std::move(stored.head));
  sending_.room = std::make_unique<Waker>(exchange_.loop(), [this] { send(); });
  exchange_.response_pipe().writer().set_waker(sending_.room.get());
  send();
  return Next::kResponded;
}

void Visit::send() {
  BodyWriter& body = exchange_.response_pipe().writer();
  if (body.ended()) return;
  while (!sending_.rest.empty()) {
    const std::string_view part = sending_.rest.substr(0, body.room());
    if (part.empty()) return;
    body.write(Buffer(part));
    sending_.rest.remove_prefix(part.size());
  }
  body.finish();
}

}  // namespace gatehouse::cache
