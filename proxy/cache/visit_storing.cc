// The part of Visit that is about what an endpoint says: whether it is stored, what it says of what is stored already, and
// what it makes void.
#include <algorithm>
#include <atomic>
#include <format>
#include <string>
#include <string_view>
#include <utility>

#include "common/event_loop.h"
#include "common/text.h"
#include "proxy/cache/key.h"
#include "proxy/cache/list_field.h"
#include "proxy/cache/stored_response.h"
#include "proxy/cache/visit.h"

namespace gatehouse::cache {

namespace {

constexpr std::chrono::seconds kDawdling{2};  // of a client that takes what others wait for
constexpr std::size_t kMostVary = 16;

// The names of Vary in lower case and in order; nothing: it chooses by what nobody can know, or by too much.
std::optional<std::vector<std::string>> vary_of(const FieldList& fields) {
  std::vector<std::string> names;
  for (const Field field : fields) {
    if (field.id != FieldName::kOther || !text::iequals(field.name, "vary")) continue;
    for_each_member(field.value, [&names](std::string_view name) { names.push_back(text::lower(name)); });
  }
  std::ranges::sort(names);
  const auto twice = std::ranges::unique(names);
  names.erase(twice.begin(), twice.end());
  if (names.size() > kMostVary || std::ranges::contains(names, "*")) return std::nullopt;
  return names;
}

// What an endpoint that is not well says (RFC 5861 section 4).
bool is_error(std::uint16_t status) {
  return status == 500 || status == 502 || status == 503 || status == 504;
}

// Whether a response that may not be stored tells that what is stored is over.
bool replaces_stored(const RequestHead& request, std::uint16_t status) {
  return !request.is_head() && status != 206 && status != 304 && status < 500;
}

// The path and query of a reference to the same origin; empty: it is to another, or none that is understood.
std::string_view target_within(std::string_view reference, const RequestHead& request) {
  const std::size_t scheme = reference.find("://");
  if (scheme == std::string_view::npos)
    return reference.starts_with("/") && !reference.starts_with("//") ? reference : "";
  const std::string_view rest = reference.substr(scheme + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  return text::iequals(rest.substr(0, slash), request.authority) ? rest.substr(slash) : std::string_view();
}

}  // namespace

Visit::Verdict Visit::judge(ResponseHead& head) {
  if (!exchange_.request().is_safe() && head.status >= 200 && head.status < 400) invalidate(head);
  if (asked_.key.empty()) {
    say_cache_status(head.fields, status_of_forwarded(head, false));
    return Verdict::kPasses;
  }
  if (flight_.conditional && head.status == 304) return Verdict::kTakes;
  if (is_error(head.status) && may_stand_in()) return Verdict::kTakes;
  const WallTime wall_now = exchange_.loop().wall_now();
  auto vary = vary_of(head.fields);
  auto terms = terms_of(policy_.caching, exchange_.request(), head, wall_now);
  const bool fits = head.body.kind != BodyLength::Kind::kKnown || head.body.bytes <= policy_.max_entry;
  const bool stores = terms && vary && fits && exchange_.response_pipe().filter() == nullptr;
  if (stores) {
    record(head, *terms, *std::move(vary));
  } else {
    if (entry_ && replaces_stored(exchange_.request(), head.status)) drop();
    settle(is_error(head.status) ? Flights::Outcome::kFailed : Flights::Outcome::kNotStored);
  }
  say_cache_status(head.fields, status_of_forwarded(head, stores));
  return Verdict::kPasses;
}

std::string Visit::status_of_forwarded(const ResponseHead& head, bool stored) const {
  std::string status = std::format("fwd={}", asked_.forwarded_for);
  if (flight_.conditional) status += std::format("; fwd-status={}", head.status);
  if (stored) status += "; stored";
  return status;
}

void Visit::record(const ResponseHead& head, const Terms& terms, std::vector<std::string> vary) {
  const WallTime wall_now = exchange_.loop().wall_now();
  auto recorder = std::make_unique<Recorder>(policy_.cache->store, policy_.max_entry, [this] { give_up(); });
  recording_ = {.recorder = recorder.get(),
                .head = head_to_store(head, wall_now),
                .terms = terms,
                .vary = std::move(vary),
                .age = initial_age(head.fields, wall_now, now() - flight_.asked_at)};
  exchange_.response_pipe().set_filter(std::move(recorder));
  if (!flight_.seat || !flight_.seat->leads()) return;
  flight_.patience = std::make_unique<Timer>(exchange_.loop(), [this] { give_up(); });
  flight_.patience->arm(kDawdling);
}

void Visit::on_complete() {
  if (responded()) return;
  std::shared_ptr<const std::string> body = recording_.recorder != nullptr ? recording_.recorder->take() : nullptr;
  if (!body) return settle(Flights::Outcome::kNotStored);
  const auto entry = std::make_shared<const Entry>(Entry{.head = std::move(recording_.head),
                                                         .body = std::move(body),
                                                         .terms = recording_.terms,
                                                         .stored = now(),
                                                         .age_when_stored = recording_.age});
  put(entry, recording_.vary);
  settle(entry->fresh(now()) ? Flights::Outcome::kStored : Flights::Outcome::kNotStored);
}

// Where Vary has other names than before, what was stored with the former ones cannot be chosen any more.
void Visit::put(EntryPtr entry, const std::vector<std::string>& vary) {
  static std::atomic<std::uint64_t> generations{0};
  Store& store = policy_.cache->store;
  if (vary.empty()) {
    store.put(asked_.key, std::move(entry));
    return;
  }
  EntryPtr chooser = store.find(asked_.key);
  if (!chooser || chooser->vary != vary) {
    Entry made;
    made.vary = vary;
    made.generation = ++generations;
    chooser = std::make_shared<const Entry>(std::move(made));
    store.put(asked_.key, chooser);
  }
  store.put(variant_key(asked_.key, vary, chooser->generation, exchange_.request().fields), std::move(entry));
}

void Visit::drop() {
  policy_.cache->store.remove(asked_.variant.empty() ? asked_.key : asked_.variant);
}

// RFC 9111 section 4.3.4. What is good still stays so from now on; what may not be stored any more is gone.
void Visit::take_over(const ResponseHead& head) {
  if (head.status != 304) {
    stands_in();
    return;
  }
  ResponseHead updated = updated_head(entry_->head, head);
  const WallTime wall_now = exchange_.loop().wall_now();
  const auto terms = terms_of(policy_.caching, exchange_.request(), updated, wall_now);
  const auto vary = vary_of(updated.fields);
  const auto entry = std::make_shared<const Entry>(
      Entry{.head = std::move(updated),
            .body = entry_->body,
            .terms = terms.value_or(Terms{}),
            .stored = now(),
            .age_when_stored = initial_age(head.fields, wall_now, now() - flight_.asked_at)});
  const bool stores = terms && vary;
  if (stores) {
    put(entry, *vary);
  } else {
    drop();
  }
  settle(stores && entry->fresh(now()) ? Flights::Outcome::kStored : Flights::Outcome::kNotStored);
  respond(entry, CacheResult::kRevalidated, "fwd=stale; fwd-status=304");
}

// RFC 9111 section 4.4
void Visit::invalidate(const ResponseHead& head) {
  Store& store = policy_.cache->store;
  const RequestHead& request = exchange_.request();
  store.purge(url_of(request, target_));
  for (const Field field : head.fields) {
    const bool refers = field.id == FieldName::kLocation || text::iequals(field.name, "content-location");
    if (!refers) continue;
    const std::string_view target = target_within(field.value, request);
    if (!target.empty()) store.purge(url_of(request, target));
  }
}

}  // namespace gatehouse::cache
