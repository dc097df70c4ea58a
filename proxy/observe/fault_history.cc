#include "proxy/observe/fault_history.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/result.h"
#include "proxy/http/exchange/exchange.h"

namespace gatehouse {
namespace {

void assign(std::string& to, std::string_view text) {
  to.assign(text.substr(0, FaultHistory::kLongestText));
}

}  // namespace

FaultRecord& FaultHistory::Ring::next() {
  if (records.size() < most) records.emplace_back();
  const std::size_t slot = count < most ? (at + count++) % most : std::exchange(at, (at + 1) % most);
  return records[slot];
}

void FaultHistory::Ring::append_to(std::vector<FaultRecord>& all) const {
  for (std::size_t i = 0; i < count; ++i) all.push_back(records[(at + i) % most]);
}

FaultHistory::Ring& FaultHistory::ring_of(Fault fault) {
  return rule(fault).blame == Blame::kClient ? by_clients_ : by_others_;
}

void FaultHistory::note(const Exchange& exchange, WallTime now) {
  const ExchangeRecord& ended = exchange.record();
  FaultRecord& record = ring_of(*ended.fault).next();
  record.time = now;
  record.fault = *ended.fault;
  record.protocol = exchange.client().protocol;
  record.status = ended.status;
  record.attempts = ended.attempts;
  assign(record.listener, exchange.client().listener ? std::string_view(exchange.client().listener->name) : "");
  assign(record.route, ended.route);
  assign(record.upstream, ended.upstream);
  assign(record.endpoint, ended.endpoint);
  assign(record.request_id, ended.request_id);
  assign(record.detail, errno_name(ended.error));
}

void FaultHistory::note(FaultRecord record) {
  ring_of(record.fault).next() = std::move(record);
}

std::vector<FaultRecord> FaultHistory::newest_first() const {
  std::vector<FaultRecord> all;
  by_clients_.append_to(all);
  by_others_.append_to(all);
  std::ranges::stable_sort(all, std::ranges::greater(), &FaultRecord::time);
  return all;
}

std::vector<FaultRecord> FaultHistory::take() {
  std::vector<FaultRecord> all = newest_first();
  std::ranges::reverse(all);
  by_clients_.count = by_others_.count = 0;
  return all;
}

}  // namespace gatehouse
