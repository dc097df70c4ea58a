#include "proxy/discovery/resolver_channel.h"

#include <ares.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "common/event_loop.h"
#include "common/log.h"

namespace gatehouse {

namespace {

// A server that is slow is asked again later rather than waited for.
constexpr int kLongestTryMs = 5'000;

struct AddrInfoDeleter {
  void operator()(ares_addrinfo* info) const { ares_freeaddrinfo(info); }
};
struct RecordDeleter {
  void operator()(ares_dns_record_t* record) const { ares_dns_record_destroy(record); }
};

std::chrono::seconds seconds_of(std::int64_t ttl) {
  return std::chrono::seconds(std::max<std::int64_t>(ttl, 0));
}

DnsRecords failed(int status) {
  return {.error = ares_strerror(status), .absent = status == ARES_ENOTFOUND || status == ARES_ENODATA};
}

// Also of the aliases on the way: the first to expire may lead elsewhere.
DnsRecords records_of(const ares_addrinfo& info) {
  DnsRecords records;
  records.ttl = std::chrono::seconds::max();
  for (const ares_addrinfo_cname* alias = info.cnames; alias != nullptr; alias = alias->next)
    records.ttl = std::min(records.ttl, seconds_of(alias->ttl));
  for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
    if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
    records.ttl = std::min(records.ttl, seconds_of(node->ai_ttl));
    records.addresses.emplace_back(node->ai_addr, static_cast<socklen_t>(node->ai_addrlen));
  }
  return records.addresses.empty() ? failed(ARES_ENODATA) : records;
}

DnsRecords records_of(const ares_dns_record_t& response) {
  DnsRecords records;
  records.ttl = std::chrono::seconds::max();
  const std::size_t count = ares_dns_record_rr_cnt(&response, ARES_SECTION_ANSWER);
  for (std::size_t i = 0; i < count; ++i) {
    const ares_dns_rr_t* row = ares_dns_record_rr_get_const(&response, ARES_SECTION_ANSWER, i);
    if (row == nullptr) continue;
    records.ttl = std::min(records.ttl, seconds_of(ares_dns_rr_get_ttl(row)));
    if (ares_dns_rr_get_type(row) != ARES_REC_TYPE_SRV) continue;
    const char* target = ares_dns_rr_get_str(row, ARES_RR_SRV_TARGET);
    // "." as the target says that the service is decidedly not available (RFC 2782).
    if (target == nullptr || *target == '\0' || std::string_view(target) == ".") continue;
    records.services.push_back({.target = target,
                                .port = ares_dns_rr_get_u16(row, ARES_RR_SRV_PORT),
                                .priority = ares_dns_rr_get_u16(row, ARES_RR_SRV_PRIORITY),
                                .weight = ares_dns_rr_get_u16(row, ARES_RR_SRV_WEIGHT)});
  }
  return records.services.empty() ? failed(ARES_ENODATA) : records;
}

std::filesystem::file_time_type time_of(const std::string& path) {
  std::error_code missing;
  const auto time = std::filesystem::last_write_time(path, missing);
  return missing ? std::filesystem::file_time_type{} : time;
}

}  // namespace

void DnsChannel::ChannelDeleter::operator()(ares_channeldata* channel) const {
  ares_destroy(channel);
}

DnsChannel::DnsChannel(EventLoop& loop, Resolver::Options options)
    : loop_(loop),
      options_(std::move(options)),
      ready_(loop, [this] { process(); }),
      timer_(loop, [this] { process(); }) {
  ares_library_init(ARES_LIB_INIT_ALL);
  open();
}

DnsChannel::~DnsChannel() {
  ares_.reset();
  ares_library_cleanup();
}

void DnsChannel::open() {
  configured_at_ = time_of(options_.configuration);
  trouble_ = set_up();
  if (!trouble_.empty()) log::error("cannot set up the resolver for DNS names: {}", trouble_);
}

// Only while nothing is on its way, which would be lost with the old set-up.
void DnsChannel::open_anew_if_reconfigured() {
  if (!pending_.empty() || time_of(options_.configuration) == configured_at_) return;
  ares_.reset();
  open();
}

// No cache of its own: how long an answer is good for is decided by who asks again.
std::string DnsChannel::set_up() {
  ares_options options{};
  options.flags = ARES_FLAG_EDNS;
  options.timeout = static_cast<int>(options_.timeout.count());
  options.tries = options_.tries;
  options.maxtimeout = std::max(kLongestTryMs, options.timeout);
  options.qcache_max_ttl = 0;
  options.resolvconf_path = options_.configuration.data();
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* channel, ares_socket_t fd, int read, int write) {
    static_cast<DnsChannel*>(channel)->watch_socket(fd, {.read = read != 0, .write = write != 0});
  };
  constexpr int kGiven = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_MAXTIMEOUTMS |
                         ARES_OPT_QUERY_CACHE | ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF;
  ares_channel_t* made = nullptr;
  if (const int status = ares_init_options(&made, &options, kGiven); status != ARES_SUCCESS)
    return ares_strerror(status);
  ares_.reset(made);
  if (options_.servers.empty()) return {};
  const int status = ares_set_servers_csv(made, options_.servers.c_str());
  return status == ARES_SUCCESS ? "" : ares_strerror(status);
}

void DnsChannel::ask_addresses(const DnsQuestion& question, DnsInquiry& asker) {
  open_anew_if_reconfigured();
  Pending& pending = note(asker);
  if (!trouble_.empty()) {
    settle(&pending, {.error = trouble_});
    return;
  }
  const ares_addrinfo_hints hints{
      .ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = 0};
  const std::string port = std::to_string(question.port);
  ares_getaddrinfo(
      ares_.get(), question.name.c_str(), port.c_str(), &hints,
      [](void* waiting, int status, int, ares_addrinfo* response) {
        const std::unique_ptr<ares_addrinfo, AddrInfoDeleter> held(response);
        settle(waiting, status == ARES_SUCCESS && held ? records_of(*held) : failed(status));
      },
      &pending);
  set_timer();
}

void DnsChannel::ask_services(const DnsQuestion& question, DnsInquiry& asker) {
  open_anew_if_reconfigured();
  Pending& pending = note(asker);
  ares_dns_record_t* made = nullptr;
  int status = ares_dns_record_create(&made, 0, ARES_FLAG_RD, ARES_OPCODE_QUERY, ARES_RCODE_NOERROR);
  const std::unique_ptr<ares_dns_record_t, RecordDeleter> record(made);
  if (status == ARES_SUCCESS)
    status = ares_dns_record_query_add(made, question.name.c_str(), ARES_REC_TYPE_SRV, ARES_CLASS_IN);
  if (status != ARES_SUCCESS || !trouble_.empty()) {
    settle(&pending, {.error = trouble_.empty() ? ares_strerror(status) : trouble_});
    return;
  }
  // What it returns is told to the callback as well.
  ares_search_dnsrec(
      ares_.get(), made,
      [](void* waiting, ares_status_t result, std::size_t, const ares_dns_record_t* response) {
        settle(waiting, result == ARES_SUCCESS && response != nullptr ? records_of(*response) : failed(result));
      },
      &pending);
  set_timer();
}

DnsChannel::Pending& DnsChannel::note(DnsInquiry& asker) {
  auto pending = std::make_unique<Pending>(*this, &asker);
  Pending& noted = *pending;
  pending_.emplace(&noted, std::move(pending));
  return noted;
}

void DnsChannel::forget(const DnsInquiry& asker) {
  for (auto& [key, pending] : pending_) {
    if (pending->asker == &asker) pending->asker = nullptr;
  }
}

// From within c-ares, perhaps while it is being destroyed: only takes note.
void DnsChannel::settle(void* pending, DnsRecords records) {
  DnsChannel& channel = static_cast<Pending*>(pending)->channel;
  const auto found = channel.pending_.find(static_cast<Pending*>(pending));
  DnsInquiry* asker = found->second->asker;
  channel.pending_.erase(found);
  if (asker != nullptr) asker->settle(std::move(records));
}

// From within c-ares, before it closes the socket. A wish that comes after its edge must not be lost: look again.
void DnsChannel::watch_socket(int fd, Wish wish) {
  if (!wish.read && !wish.write) {
    sockets_.erase(fd);
    return;
  }
  Socket& socket = sockets_[fd];
  socket.wish = wish;
  if (!socket.watcher) socket.watcher = std::make_unique<IoWatcher>(loop_, fd, [this](IoEvents) { ready_.wake(); });
  ready_.wake();
}

// c-ares wants to be told of what is ready now, our watchers tell of what has changed: poll() is between them.
void DnsChannel::process() {
  if (!ares_) return;
  std::vector<pollfd> polled;
  for (const auto& [fd, socket] : sockets_) {
    polled.push_back({.fd = fd, .events = 0, .revents = 0});
    if (socket.wish.read) polled.back().events |= POLLIN;
    if (socket.wish.write) polled.back().events |= POLLOUT;
  }
  std::vector<ares_fd_events_t> events;
  if (!polled.empty() && ::poll(polled.data(), polled.size(), 0) > 0) {
    for (const pollfd& one : polled) {
      unsigned what = ARES_FD_EVENT_NONE;
      if ((one.revents & (POLLIN | POLLERR | POLLHUP)) != 0) what |= ARES_FD_EVENT_READ;
      if ((one.revents & POLLOUT) != 0) what |= ARES_FD_EVENT_WRITE;
      if (what != ARES_FD_EVENT_NONE) events.push_back({.fd = one.fd, .events = what});
    }
  }
  ares_process_fds(ares_.get(), events.data(), events.size(), ARES_PROCESS_FLAG_NONE);
  set_timer();
  // What c-ares has left unread makes no new edge. In the next turn: others have their turn in between.
  if (!events.empty()) timer_.arm(Duration::zero());
}

void DnsChannel::set_timer() {
  timeval left{};
  if (ares_timeout(ares_.get(), nullptr, &left) == nullptr) {
    timer_.disarm();
    return;
  }
  timer_.arm(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec) +
             std::chrono::milliseconds(1));
}

DnsInquiry::DnsInquiry(std::shared_ptr<DnsChannel> channel, Kind kind, const DnsQuestion& question,
                       std::move_only_function<void(DnsRecords)> done)
    : channel_(std::move(channel)), done_(std::move(done)), settled_(channel_->loop(), [this] {
        auto call = std::move(done_);
        call(std::move(records_));
      }) {
  if (kind == Kind::kAddresses) {
    channel_->ask_addresses(question, *this);
  } else {
    channel_->ask_services(question, *this);
  }
}

DnsInquiry::~DnsInquiry() {
  channel_->forget(*this);
}

void DnsInquiry::settle(DnsRecords records) {
  records_ = std::move(records);
  settled_.wake();
}

}  // namespace gatehouse
