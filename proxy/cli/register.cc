#include "proxy/cli/register.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <format>
#include <optional>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include "common/address.h"
#include "common/fd.h"
#include "common/result.h"
#include "common/sockets.h"
#include "proxy/cli/output.h"
#include "proxy/system/directories.h"

namespace gatehouse {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kNotFound = 127;            // as shells say of a command
constexpr int kSignalled = 128;           // likewise, with the signal's number added
constexpr milliseconds kForIdle{30'000};  // for requests in flight to end
constexpr milliseconds kFirstDelay{100};  // between attempts to connect, doubled each time
constexpr milliseconds kLongestDelay{5'000};
constexpr milliseconds kListeningCheck{20};     // there is no event for a port that begins to listen
constexpr std::chrono::seconds kLongStart{10};  // then it is said what is waited for
constexpr std::string_view kUnix = "unix:";

void tell(std::string_view line) {
  print(stderr, std::format("gatehouse: {}\n", line));
}

std::string usual_socket() {
  std::error_code error;
  constexpr std::string_view kName = "registrations.sock";
  const std::filesystem::path system = std::filesystem::path("/run/gatehouse") / kName;
  const std::filesystem::path own = directories::runtime_path() / kName;
  return std::filesystem::exists(own, error) && !std::filesystem::exists(system, error) ? own : system;
}

// A port that nobody has at the moment. That it is the command's in the end the server sees to.
std::optional<std::uint16_t> free_port() {
  const auto probe = sockets::listen(*Address::parse("127.0.0.1:0"), {.reuse_port = false, .backlog = 1});
  if (!probe) return std::nullopt;
  return Address::local_of(probe->get()).port();
}

// The command, which ends when we do, however that is.
class Child {
 public:
  // SIGCHLD and those that end us are blocked here, and not there.
  static Result<Child> start(const std::vector<std::string>& command, std::uint16_t port, const sigset_t& signals);
  // Its exit code as shells have it, once it has ended.
  std::optional<int> exit_code();
  void signal(int number) const {
    if (!code_) ::kill(pid_, number);
  }

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_;
  std::optional<int> code_;
};

Result<Child> Child::start(const std::vector<std::string>& command, std::uint16_t port, const sigset_t& signals) {
  const std::string number = std::to_string(port);
  ::setenv("PORT", number.c_str(), 1);
  ::setenv("HTTP_PLATFORM_PORT", number.c_str(), 1);
  ::setenv("ASPNETCORE_URLS", ("http://127.0.0.1:" + number).c_str(), 1);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return system_failure("cannot start " + command.front(), errno);
  if (pid > 0) return Child(pid);
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kNotFound);
  ::execvp(words.front(), words.data());
  tell(std::format("cannot start {}: {}", command.front(), std::strerror(errno)));
  ::_exit(kNotFound);
}

std::optional<int> Child::exit_code() {
  int status = 0;
  if (!code_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    code_ = WIFSIGNALED(status) ? kSignalled + WTERMSIG(status) : WEXITSTATUS(status);
  }
  return code_;
}

// One life of the registration, from the first connection to the end.
class Session {
 public:
  explicit Session(const RegisterOptions& options)
      : options_(options), socket_path_(options.socket.empty() ? usual_socket() : options.socket), to_(options.to) {}

  int run();

 private:
  enum class Step : std::uint8_t { kGoOn, kEnd };

  Result<> open_signals();
  Result<> open_file();
  Step start_command();
  Step await_listening();
  Step hold();
  bool connect();
  Step ask();
  Step watch();
  void leave();
  int end_command();

  // Waits for a signal, or for the socket where there is one; whether the socket has something.
  bool wait(milliseconds patience);
  // What has come of signals: whether it is to end.
  bool told_to_end();
  // A whole line; nothing: the connection has ended, or it is to end.
  std::optional<std::string> read_line(milliseconds patience);
  Step fail(std::string_view why) {
    tell(why);
    code_ = kExitFailed;
    return Step::kEnd;
  }

  const RegisterOptions& options_;
  const std::string socket_path_;
  std::string to_;
  sigset_t blocked_{};
  Fd signals_;
  // The file of a Unix socket that it leads to.
  Fd file_;
  std::optional<Child> child_;
  Fd socket_;
  std::string input_;
  bool ends_ = false;
  int code_ = kExitFine;
};

int Session::run() {
  if (const auto opened = open_signals(); !opened) return complain(opened.error().message);
  if (const auto opened = open_file(); !opened) return complain(opened.error().message);
  if (start_command() == Step::kGoOn && await_listening() == Step::kGoOn) {
    while (hold() == Step::kGoOn) tell("the connection was lost; registering again");
    leave();
  }
  return end_command();
}

Result<> Session::open_signals() {
  ::sigemptyset(&blocked_);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCHLD}) ::sigaddset(&blocked_, number);
  ::sigprocmask(SIG_BLOCK, &blocked_, nullptr);
  signals_ = Fd(::signalfd(-1, &blocked_, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return system_failure("cannot wait for signals", errno);
  return {};
}

Result<> Session::open_file() {
  if (!to_.starts_with(kUnix)) return {};
  const std::string path = to_.substr(kUnix.size());
  file_ = Fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file_) return system_failure("cannot open the socket " + path, errno);
  return {};
}

Session::Step Session::start_command() {
  if (options_.command.empty()) return Step::kGoOn;
  const auto port = free_port();
  if (!port) return fail("there is no free port on 127.0.0.1");
  to_ = std::format("127.0.0.1:{}", *port);
  auto started = Child::start(options_.command, *port, blocked_);
  if (!started) return fail(started.error().message);
  child_ = *std::move(started);
  return Step::kGoOn;
}

Session::Step Session::await_listening() {
  if (!child_) return Step::kGoOn;
  const Address address = *Address::parse(to_);
  bool told = false;
  const auto since = steady_clock::now();
  while (!told_to_end()) {
    const Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(probe.get(), address.data(), address.length()) == 0) return Step::kGoOn;
    if (!told && steady_clock::now() - since > kLongStart) {
      told = true;
      tell(std::format("{} does not listen on {} yet, which is in PORT", options_.command.front(), to_));
    }
    wait(kListeningCheck);
  }
  return Step::kEnd;
}

// Until the connection is lost.
Session::Step Session::hold() {
  bool told = false;
  for (milliseconds delay = kFirstDelay; !connect(); delay = std::min(2 * delay, kLongestDelay)) {
    if (!std::exchange(told, true))
      tell(std::format("waiting for Gatehouse on {}: {}", socket_path_, std::strerror(errno)));
    const auto until = steady_clock::now() + delay;
    while (steady_clock::now() < until) {
      if (told_to_end()) return Step::kEnd;
      wait(std::chrono::ceil<milliseconds>(until - steady_clock::now()));
    }
  }
  return ask() == Step::kGoOn ? watch() : Step::kEnd;
}

bool Session::connect() {
  input_.clear();
  const auto address = Address::parse(std::string(kUnix) + socket_path_);
  socket_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!address || ::connect(socket_.get(), address->data(), address->length()) != 0) {
    if (!address) errno = ENAMETOOLONG;
    const int error = errno;
    socket_.reset();
    errno = error;
    return false;
  }
  return true;
}

Session::Step Session::ask() {
  std::string line = std::format("register {} {}\n", options_.prefix, file_ ? "fd" : to_);
  iovec part{.iov_base = line.data(), .iov_len = line.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (file_) {
    const int fd = file_.get();
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  // Whoever was refused has been told so, and may have been let go already.
  ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
  const auto response = read_line(kForIdle);
  if (!response && told_to_end()) return Step::kEnd;
  if (!response) {  // lost, or it hangs: another connection may fare better
    socket_.reset();
    return Step::kGoOn;
  }
  if (response != "ok") return fail(response->starts_with("failed ") ? response->substr(7) : *response);
  tell(std::format("{} is served at {}", options_.prefix, to_));
  return Step::kGoOn;
}

Session::Step Session::watch() {
  while (socket_) {
    const auto line = read_line(milliseconds(-1));
    if (line) return fail(*line + ": its reservation is gone");
    if (told_to_end()) return Step::kEnd;
  }
  return Step::kGoOn;
}

// What is in flight may end before the command does.
void Session::leave() {
  if (!socket_ || code_ != kExitFine || (child_ && child_->exit_code())) return;
  constexpr std::string_view kDrain = "drain\n";
  if (::send(socket_.get(), kDrain.data(), kDrain.size(), MSG_NOSIGNAL) < 0) return;
  ends_ = false;  // a second signal ends that, too
  read_line(kForIdle);
}

int Session::end_command() {
  socket_.reset();
  if (!child_) return code_;
  const bool by_itself = child_->exit_code().has_value();
  child_->signal(SIGTERM);
  while (!child_->exit_code()) {
    wait(milliseconds(-1));
    signalfd_siginfo arrived{};
    while (::read(signals_.get(), &arrived, sizeof arrived) == sizeof arrived) {
      if (arrived.ssi_signo != SIGCHLD) child_->signal(static_cast<int>(arrived.ssi_signo));
    }
  }
  if (by_itself) return *child_->exit_code();
  return code_ != kExitFine || *child_->exit_code() == kSignalled + SIGTERM ? code_ : *child_->exit_code();
}

bool Session::wait(milliseconds patience) {
  std::array<pollfd, 2> events{{{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                                {.fd = socket_ ? socket_.get() : -1, .events = POLLIN, .revents = 0}}};
  ::poll(events.data(), events.size(), static_cast<int>(patience.count()));
  return events[1].revents != 0;
}

bool Session::told_to_end() {
  signalfd_siginfo arrived{};
  while (::read(signals_.get(), &arrived, sizeof arrived) == sizeof arrived) {
    if (arrived.ssi_signo != SIGCHLD || (child_ && child_->exit_code())) ends_ = true;
  }
  return ends_;
}

std::optional<std::string> Session::read_line(milliseconds patience) {
  while (true) {
    if (const std::size_t end = input_.find('\n'); end != std::string::npos) {
      std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      return line;
    }
    if (told_to_end() || !socket_) return std::nullopt;
    if (!wait(patience)) {
      if (patience.count() >= 0 && !told_to_end()) return std::nullopt;
      continue;
    }
    std::array<char, 1024> bytes{};
    const ssize_t size = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size > 0) {
      input_.append(bytes.data(), static_cast<std::size_t>(size));
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
      socket_.reset();
      return std::nullopt;
    }
  }
}

}  // namespace

void add_register_options(CLI::App& command, RegisterOptions& options) {
  command.footer("Behind --: a command that listens on the port in PORT, and ends with it.");
  command.add_option("PREFIX", options.prefix, "Such as https://shop.example.com/orders/")->required();
  command.add_option("--to", options.to, "Where this user listens: 127.0.0.1:PORT, [::1]:PORT or unix:PATH");
  command.add_option(
      "--socket", options.socket,
      "The registration socket; default: registrations.sock in /run/gatehouse, or in the runtime directory");
}

std::vector<std::string> take_registered_command(std::vector<std::string>& words) {
  const auto mark = std::ranges::find(words, "--");
  if (words.front() != "register" || mark == words.end()) return {};
  std::vector<std::string> command(mark + 1, words.end());
  words.erase(mark, words.end());
  return command;
}

int run_register(const RegisterOptions& options) {
  if (options.to.empty() == options.command.empty()) {
    return complain("register wants --to ADDRESS, or a command behind --; see: gatehouse help register",
                    kExitBadCommandLine);
  }
  return Session(options).run();
}

}  // namespace gatehouse
