#include "proxy/discovery/resolver.h"

#include <algorithm>
#include <format>
#include <utility>

#include "common/event_loop.h"
#include "common/timer.h"
#include "proxy/discovery/resolver_channel.h"
#include "proxy/discovery/resolver_records.h"

namespace gatehouse {

namespace {

constexpr std::chrono::seconds kFirstRetry{1};
constexpr std::chrono::seconds kLastRetry{30};
constexpr std::size_t kInquiriesAtOnce = 16;  // for the targets of one SRV answer

// One attempt after the other for one name, each from begin() to conclude().
class NameWatch final : public Resolver::Watch {
 public:
  NameWatch(std::shared_ptr<DnsChannel> channel, DnsQuestion question,
            std::function<void(const Resolver::Resolution&)> changed)
      : channel_(std::move(channel)),
        question_(std::move(question)),
        changed_(std::move(changed)),
        again_(channel_->loop(), [this] { begin(); }) {
    again_.arm(Duration::zero());
  }

  const Resolver::Resolution& resolution() const override { return resolution_; }

 private:
  // What has been gathered for the answer of this attempt.
  struct Attempt {
    std::vector<DnsService> services;
    std::size_t asked = 0;  // of the services
    std::size_t settled = 0;
    std::vector<ResolvedAddress> addresses;
    std::chrono::seconds ttl{0};
    std::string error;   // a breakdown, or else why there is no address
    bool absent = true;  // `error` is an answer
  };

  void begin();
  void on_addresses(const DnsRecords& records);
  void on_services(DnsRecords records);
  void ask_targets();
  void on_target(std::size_t index, const DnsRecords& records);
  void conclude();

  void ask(DnsInquiry::Kind kind, const DnsQuestion& question, std::move_only_function<void(DnsRecords)> done) {
    inquiries_.push_back(std::make_unique<DnsInquiry>(channel_, kind, question, std::move(done)));
  }

  std::shared_ptr<DnsChannel> channel_;
  const DnsQuestion question_;
  std::function<void(const Resolver::Resolution&)> changed_;
  Timer again_;
  Resolver::Resolution resolution_;
  bool told_ = false;
  std::chrono::seconds retry_ = kFirstRetry;
  Attempt attempt_;
  std::vector<std::unique_ptr<DnsInquiry>> inquiries_;  // of this attempt, settled ones included
};

void NameWatch::begin() {
  inquiries_.clear();
  attempt_ = {};
  if (question_.port != 0) {
    ask(DnsInquiry::Kind::kAddresses, question_, [this](const DnsRecords& records) { on_addresses(records); });
  } else {
    ask(DnsInquiry::Kind::kServices, question_, [this](DnsRecords records) { on_services(std::move(records)); });
  }
}

void NameWatch::on_addresses(const DnsRecords& records) {
  attempt_.error = records.error;
  attempt_.ttl = records.ttl;
  for (const Address& address : records.addresses) attempt_.addresses.push_back({.address = address});
  conclude();
}

void NameWatch::on_services(DnsRecords records) {
  attempt_.error = std::move(records.error);
  attempt_.ttl = records.ttl;
  attempt_.services = dns::chosen(std::move(records.services));
  if (attempt_.services.empty()) {
    conclude();
  } else {
    ask_targets();
  }
}

void NameWatch::ask_targets() {
  while (attempt_.asked < attempt_.services.size() && attempt_.asked - attempt_.settled < kInquiriesAtOnce) {
    const std::size_t index = attempt_.asked++;
    const DnsService& service = attempt_.services[index];
    ask(DnsInquiry::Kind::kAddresses, {.name = service.target, .port = service.port},
        [this, index](const DnsRecords& records) { on_target(index, records); });
  }
}

// A target that has no address (any more) is left out. One that could not be asked for is no reason to believe that it
// has gone: the attempt fails.
void NameWatch::on_target(std::size_t index, const DnsRecords& records) {
  const DnsService& service = attempt_.services[index];
  if (!records.error.empty() && attempt_.absent) {
    attempt_.error = std::format("{}: {}", service.target, records.error);
    attempt_.absent = records.absent;
  }
  if (records.error.empty()) attempt_.ttl = std::min(attempt_.ttl, records.ttl);
  for (const Address& address : records.addresses)
    attempt_.addresses.push_back({.address = address, .weight = service.weight});
  if (++attempt_.settled < attempt_.services.size()) {
    ask_targets();
    return;
  }
  if (attempt_.absent && !attempt_.addresses.empty()) attempt_.error.clear();
  conclude();
}

void NameWatch::conclude() {
  Resolver::Resolution next;
  if (attempt_.error.empty()) {
    next.addresses = dns::in_order(std::move(attempt_.addresses));
    retry_ = kFirstRetry;
    again_.arm(dns::good_for(attempt_.ttl));
  } else {
    next.addresses = resolution_.addresses;
    next.error = std::format("cannot resolve {}: {}", question_.name, attempt_.error);
    again_.arm(retry_);
    retry_ = std::min(retry_ * 2, kLastRetry);
  }
  if (told_ && next.addresses == resolution_.addresses && next.error == resolution_.error) return;
  told_ = true;
  resolution_ = std::move(next);
  const auto changed = changed_;  // the watch may go with the call
  const Resolver::Resolution told = resolution_;
  changed(told);
}

}  // namespace

Resolver::Resolver(EventLoop& loop, Options options)
    : channel_(std::make_shared<DnsChannel>(loop, std::move(options))) {}

Resolver::~Resolver() = default;

std::unique_ptr<Resolver::Watch> Resolver::watch(DnsQuestion question, std::function<void(const Resolution&)> changed) {
  return std::make_unique<NameWatch>(channel_, std::move(question), std::move(changed));
}

}  // namespace gatehouse
