#include "proxy/discovery/registration_socket.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <format>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include "common/event_loop.h"
#include "common/log_limit.h"
#include "common/sockets.h"
#include "common/text.h"
#include "common/timer.h"
#include "proxy/discovery/registration_line.h"

namespace gatehouse {
namespace {

constexpr std::size_t kMaxInput = 8192;       // lines that wait for the answer to an earlier one
constexpr std::size_t kMaxOutput = 16384;     // for who does not read
constexpr std::size_t kMaxPassed = 16;        // descriptors that wait for their lines
constexpr std::chrono::seconds kSilence{30};  // for who has registered nothing

constinit log::Limited strangers("processes refused on the registration socket");

// The descriptors that have come with a message.
void take_descriptors(msghdr& message, std::deque<Fd>& passed) {
  for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
    if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(at) + i * sizeof fd, sizeof fd);
      passed.emplace_back(fd);
    }
  }
}

}  // namespace

// One process: reads lines one by one, and the next one once the one before has its answer.
class RegistrationSocket::Client {
 public:
  Client(RegistrationSocket& owner, Fd socket, Registrant who)
      : owner_(owner),
        socket_(std::move(socket)),
        who_(std::move(who)),
        silence_(owner.loop_, [this] { owner_.end(*this); }) {
    silence_.arm(kSilence);
  }
  ~Client() { close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void begin() {
    watcher_.emplace(owner_.loop_, socket_.get(), [this](IoEvents) { on_ready(); });
  }
  uid_t user() const { return who_.user; }
  // Nothing is called any more.
  void close() {
    for (const Held& each : std::exchange(held_, {})) owner_.registrations_.end(each.id);
    silence_.disarm();
    watcher_.reset();
    ended_ = true;
  }

 private:
  struct Held {
    UrlPrefix prefix;
    Registrations::Id id;
    bool leaving = false;
  };

  void on_ready() {
    if (ended_) return;
    if (!read() || !handle_lines() || !flush()) owner_.end(*this);
  }

  // Each returns false if the connection is over.
  bool read();
  bool handle_lines();
  bool flush();

  void handle(std::string_view line);
  void add(const registration_line::Register& asked);
  void release(const registration_line::Release& asked);
  void drain();
  void on_routed();
  void forget(Registrations::Id id);
  void on_idle(Registrations::Id id);
  void on_revoked(Registrations::Id id);
  void say(std::string_view line) {
    output_ += line;
    output_ += '\n';
  }
  // The line that was being handled has its answer.
  void respond(std::string_view line) {
    busy_ = false;
    say(line);
  }
  void watch_silence() { held_.empty() ? silence_.arm(kSilence) : silence_.disarm(); }

  RegistrationSocket& owner_;
  Fd socket_;
  const Registrant who_;
  std::string input_;
  std::string output_;
  std::deque<Fd> passed_;
  std::vector<Held> held_;
  // A line has no answer yet.
  bool busy_ = false;
  // What that line registers; 0: it does not.
  Registrations::Id coming_ = 0;
  bool ended_ = false;
  Timer silence_;
  std::optional<IoWatcher> watcher_;
};

bool RegistrationSocket::Client::read() {
  for (;;) {
    std::array<char, 2048> bytes{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxPassed)> control{};
    iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
    msghdr message{.msg_name = nullptr,
                   .msg_namelen = 0,
                   .msg_iov = &part,
                   .msg_iovlen = 1,
                   .msg_control = control.data(),
                   .msg_controllen = control.size(),
                   .msg_flags = 0};
    const ssize_t size = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno == EAGAIN;
    take_descriptors(message, passed_);
    if (size == 0 || (message.msg_flags & MSG_CTRUNC) != 0) return false;
    input_.append(bytes.data(), static_cast<std::size_t>(size));
    if (input_.size() > kMaxInput || passed_.size() > kMaxPassed) return false;
  }
}

bool RegistrationSocket::Client::handle_lines() {
  while (!busy_) {
    const std::size_t end = input_.find('\n');
    if (end == std::string::npos) return true;
    const std::string line = input_.substr(0, end);
    input_.erase(0, end + 1);
    handle(text::trim(line));
  }
  return true;
}

bool RegistrationSocket::Client::flush() {
  while (!output_.empty()) {
    const ssize_t sent = ::send(socket_.get(), output_.data(), output_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN && output_.size() <= kMaxOutput;
    output_.erase(0, static_cast<std::size_t>(sent));
  }
  return true;
}

void RegistrationSocket::Client::handle(std::string_view line) {
  busy_ = true;
  const auto asked = parse_registration_line(line);
  if (!asked) return respond("failed " + asked.error().message);
  if (const auto* one = std::get_if<registration_line::Register>(&*asked)) return add(*one);
  if (const auto* one = std::get_if<registration_line::Release>(&*asked)) return release(*one);
  drain();
}

void RegistrationSocket::Client::add(const registration_line::Register& asked) {
  Fd passed;
  if (!passed_.empty()) {
    passed = std::move(passed_.front());
    passed_.pop_front();
  }
  if (const auto may = owner_.registrations_.check(who_, asked.prefix); !may) {
    return respond("failed " + may.error().message);
  }
  auto target = registration_target(asked.target, std::move(passed), who_.user);
  if (!target) return respond("failed " + target.error().message);
  coming_ = owner_.registrations_.claim(who_, {.prefix = asked.prefix,
                                               .target = *std::move(target),
                                               .routed = [this] { on_routed(); },
                                               .revoked = [this](Registrations::Id id) { on_revoked(id); }});
  held_.push_back({.prefix = asked.prefix, .id = coming_});
  watch_silence();
}

void RegistrationSocket::Client::release(const registration_line::Release& asked) {
  const auto found =
      std::ranges::find_if(held_, [&](const Held& each) { return each.prefix == asked.prefix && !each.leaving; });
  if (found == held_.end()) return respond("failed this connection has not registered " + asked.prefix.to_string());
  found->leaving = true;
  owner_.registrations_.release(found->id, [this, id = found->id] { on_idle(id); });
}

void RegistrationSocket::Client::drain() {
  if (held_.empty()) return respond("ok");
  for (Held& each : held_) {
    if (std::exchange(each.leaving, true)) continue;
    owner_.registrations_.release(each.id, [this, id = each.id] { on_idle(id); });
  }
}

void RegistrationSocket::Client::on_routed() {
  coming_ = 0;
  respond("ok");
  on_ready();
}

void RegistrationSocket::Client::forget(Registrations::Id id) {
  std::erase_if(held_, [id](const Held& each) { return each.id == id; });
  watch_silence();
}

// A line that releases waits for all that it has released.
void RegistrationSocket::Client::on_idle(Registrations::Id id) {
  forget(id);
  if (std::ranges::any_of(held_, &Held::leaving)) return;
  respond("ok");
  on_ready();
}

void RegistrationSocket::Client::on_revoked(Registrations::Id id) {
  const auto found = std::ranges::find(held_, id, &Held::id);
  if (found == held_.end()) return;
  const std::string prefix = found->prefix.to_string();
  const bool was_leaving = found->leaving;
  forget(id);
  if (id == std::exchange(coming_, coming_ == id ? 0 : coming_)) {
    respond("failed its reservation is gone");
  } else {
    say("revoked " + prefix);
    if (was_leaving && std::ranges::none_of(held_, &Held::leaving)) respond("ok");
  }
  on_ready();
}

Result<std::unique_ptr<RegistrationSocket>> RegistrationSocket::open(EventLoop& loop, const std::filesystem::path& path,
                                                                     Registrations& registrations) {
  const auto address = Address::parse("unix:" + path.string());
  if (!address) return failure("the registration socket " + path.string() + ": " + address.error().message);
  auto socket = sockets::listen(*address, {.reuse_port = false, .backlog = 256, .mode = 0666});
  if (!socket) {
    return failure("cannot make the registration socket " + path.string() + ": " + socket.error().message,
                   socket.error().code);
  }
  return std::make_unique<RegistrationSocket>(Private{}, loop, Bound{path, *std::move(socket)}, registrations);
}

RegistrationSocket::RegistrationSocket(Private /*only_open_makes_one*/, EventLoop& loop, Bound bound,
                                       Registrations& registrations)
    : loop_(loop),
      registrations_(registrations),
      path_(std::move(bound.path)),
      listening_(std::move(bound.listening)),
      watcher_(loop, listening_.get(), [this](IoEvents) { accept(); }) {}

RegistrationSocket::~RegistrationSocket() {
  std::error_code error;
  std::filesystem::remove(path_, error);
}

void RegistrationSocket::accept() {
  for (;;) {
    Fd socket(::accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN) strangers.warn("cannot accept on the registration socket {}", path_.string());
      return;
    }
    Registrant who = Registrant::at(socket.get());
    if (const std::string why = why_not(who); !why.empty()) {
      strangers.info("refused process {} on the registration socket: {}", who.pid, why);
      const std::string line = "failed " + why + "\n";
      ::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      continue;
    }
    clients_.push_back(std::make_unique<Client>(*this, std::move(socket), std::move(who)));
    clients_.back()->begin();
  }
}

std::string RegistrationSocket::why_not(const Registrant& who) const {
  if (!registrations_.knows(who)) return std::format("nothing is reserved for user {}", who.user);
  const auto of_user = std::ranges::count_if(clients_, [&](const auto& each) { return each->user() == who.user; });
  if (std::cmp_greater_equal(of_user, kMostOfUser) || clients_.size() >= kMost) {
    return std::format("there are too many connections of user {}; one may register many prefixes", who.user);
  }
  return {};
}

void RegistrationSocket::end(Client& client) {
  const auto at = std::ranges::find_if(clients_, [&](const auto& held) { return held.get() == &client; });
  if (at == clients_.end()) return;
  client.close();
  loop_.retire(std::move(*at));
  clients_.erase(at);
}

}  // namespace gatehouse
