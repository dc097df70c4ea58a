#include "proxy/observe/recent_traffic.h"

#include <string_view>
#include <utility>

namespace gatehouse {
namespace {

template <class Samples>
void forget(Samples& samples, MonotonicTime now, std::chrono::seconds window) {
  while (samples.size() > 2 && now - samples[1].time >= window) samples.pop_front();
}

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double per_second(std::uint64_t count, Duration duration) {
  return duration > Duration::zero() ? static_cast<double>(count) / seconds(duration) : 0;
}

}  // namespace

void RecentTraffic::add(Durations& to, const FineDurations& more) {
  FineDurations::Counts sum{};
  for (const auto& [bucket, count] : to) sum[bucket] = count;
  more.add_to(sum);
  to.clear();
  for (std::size_t bucket = 0; bucket < sum.size(); ++bucket) {
    if (sum[bucket] != 0) to.emplace_back(static_cast<std::uint16_t>(bucket), sum[bucket]);
  }
}

template <class Name>
RecentTraffic::Count& RecentTraffic::count_of(Places<Name>& places, const Name& name) {
  const Place place = places.try_emplace(name, routes_.size() + endpoints_.size()).first->second;
  if (place >= now_.of.size()) now_.of.resize(place + 1);
  return now_.of[place];
}

void RecentTraffic::read(const Traffic::Workers& workers) {
  const auto is_error = [](std::string_view code) { return code.starts_with('5'); };
  now_.of.assign(routes_.size() + endpoints_.size(), Count());
  for (const auto& worker : workers) {
    worker->requests_.for_each([&](const auto& labels, const auto& series) {
      Count& count = count_of(routes_, labels[2]);
      count.requests += series.count.value();
      if (is_error(labels[3])) count.errors += series.count.value();
    });
    worker->durations_.for_each([this](const auto& labels, const auto& durations) {
      add(count_of(routes_, labels[1]).durations, durations.fine);
    });
    worker->upstream_requests_.for_each([&](const auto& labels, const auto& series) {
      Count& count = count_of(endpoints_, {labels[0], labels[1]});
      count.requests += series.count.value();
      if (is_error(labels[2]) || labels[2] == "none") count.errors += series.count.value();
    });
    worker->upstream_durations_.for_each([this](const auto& labels, const auto& durations) {
      add(count_of(endpoints_, {labels[0], labels[1]}).durations, durations.fine);
    });
  }
}

void RecentTraffic::sample(const Traffic::Workers& workers, MonotonicTime now) {
  now_.time = now;
  read(workers);
  Requests requests{.time = now};
  for (const Count& count : now_.of) requests.of.push_back(count.requests);
  last_seconds_.push_back(std::move(requests));
  forget(last_seconds_, now, kShort);
  if (last_minute_.empty() || now - last_minute_.back().time >= kStep) last_minute_.push_back(now_);
  forget(last_minute_, now, kLong);
}

RecentTraffic::Figures RecentTraffic::figures(const std::vector<Place>& places) const {
  if (places.empty() || last_minute_.empty()) return {};
  const Requests& seconds_ago = last_seconds_.front();
  const Sample& minute_ago = last_minute_.front();
  std::uint64_t lately = 0;
  Count minute;
  FineDurations::Counts durations{};
  for (const Place place : places) {
    const Count& now = now_.of[place];
    lately += now.requests - (place < seconds_ago.of.size() ? seconds_ago.of[place] : 0);
    const Count before = place < minute_ago.of.size() ? minute_ago.of[place] : Count();
    minute.requests += now.requests - before.requests;
    minute.errors += now.errors - before.errors;
    for (const auto& [bucket, count] : now.durations) durations[bucket] += count;
    for (const auto& [bucket, count] : before.durations) durations[bucket] -= count;
  }
  const Duration long_window = now_.time - minute_ago.time;
  Figures figures{.requests_per_second = per_second(lately, now_.time - seconds_ago.time),
                  .requests_per_second_1m = per_second(minute.requests, long_window),
                  .errors_per_second_1m = per_second(minute.errors, long_window)};
  figures.p50_ms = Traffic::quantile(durations, 0.5);
  figures.p95_ms = Traffic::quantile(durations, 0.95);
  figures.p99_ms = Traffic::quantile(durations, 0.99);
  return figures;
}

RecentTraffic::Figures RecentTraffic::route(const std::string& name) const {
  const auto found = routes_.find(name);
  return found == routes_.end() ? Figures() : figures({found->second});
}

RecentTraffic::Figures RecentTraffic::upstream(const std::string& name) const {
  std::vector<Place> places;
  for (auto one = endpoints_.lower_bound({name, {}}); one != endpoints_.end() && one->first.first == name; ++one) {
    places.push_back(one->second);
  }
  return figures(places);
}

RecentTraffic::Figures RecentTraffic::endpoint(const Traffic::EndpointName& name) const {
  const auto found = endpoints_.find(name);
  return found == endpoints_.end() ? Figures() : figures({found->second});
}

}  // namespace gatehouse
