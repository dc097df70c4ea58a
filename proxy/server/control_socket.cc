#include "proxy/server/control_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "common/event_loop.h"
#include "common/log_limit.h"
#include "common/sockets.h"
#include "common/tcp_stream.h"
#include "common/text.h"
#include "common/timer.h"

namespace gatehouse {
namespace {

constexpr std::size_t kMaxCommand = 4096;  // a URL has its place in it
constexpr std::size_t kMaxClients = 16;
constexpr std::chrono::seconds kPatience{5};  // for the command, and then for its reply to be read

constinit log::Limited commands("commands on the control socket");
constinit log::Limited refusals("clients refused on the control socket");

bool may_command(int fd) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
  return peer.uid == 0 || peer.uid == geteuid();
}

}  // namespace

class ControlSocket::Client final : private ByteStream::User {
 public:
  Client(ControlSocket& owner, Fd socket)
      : owner_(owner), stream_(owner.loop_, std::move(socket)), deadline_(owner.loop_, [this] { owner_.end(*this); }) {
    stream_.set_user(this);
    deadline_.arm(kPatience);
  }
  ~Client() {
    if (asked_) *asked_ = nullptr;
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  void begin() { on_readable(); }
  // Who has asked for nothing yet, who reads no reply, and last who waits for one, or for the end.
  int worth() const { return waits_for_the_end_ || (asked_ && !replied_) ? 2 : asked_ ? 1 : 0; }
  void close() {
    if (asked_) *asked_ = nullptr;
    deadline_.disarm();
    stream_.set_user(nullptr);
  }

 private:
  void on_readable() override {
    for (;;) {
      const IoResult result = stream_.read(input_, kMaxCommand);
      if (result.status == IoStatus::kWouldBlock) break;
      if (result.status != IoStatus::kOk || (!asked_ && input_.size() > kMaxCommand)) return owner_.end(*this);
      if (asked_) input_.clear();  // one command each
    }
    if (asked_) return;
    const std::string line = input_.to_string();
    const std::size_t end = line.find('\n');
    if (end != std::string::npos) ask(text::trim(std::string_view(line).substr(0, end)));
  }

  void on_writable() override { send(); }

  void ask(std::string_view command) {
    asked_ = std::make_shared<Client*>(this);
    input_.clear();
    deadline_.disarm();
    commands.info("command {} on the control socket", command);
    owner_.handler_(command, [asked = asked_](const ControlReply& reply) {
      if (*asked != nullptr) (*asked)->respond(reply);
    });
  }

  void respond(const ControlReply& reply) {
    replied_ = true;
    until_the_end_ = reply.until_the_end;
    output_.append(reply.text);
    output_.append(reply.ok ? "ok\n" : "failed\n");
    deadline_.arm(kPatience);
    send();
  }

  void send() {
    if (!replied_) return;
    const IoResult result = stream_.write(output_);
    if (result.status == IoStatus::kWouldBlock) return;
    if (result.status != IoStatus::kOk || !until_the_end_) return owner_.end(*this);
    waits_for_the_end_ = true;
    deadline_.disarm();
  }

  ControlSocket& owner_;
  TcpStream stream_;
  Buffer input_;
  Buffer output_;
  // Null before the command. What it points to is null once we are closed.
  std::shared_ptr<Client*> asked_;
  bool replied_ = false;
  bool until_the_end_ = false;
  bool waits_for_the_end_ = false;
  Timer deadline_;
};

Result<std::unique_ptr<ControlSocket>> ControlSocket::open(EventLoop& loop, const std::filesystem::path& path,
                                                           Handler handler) {
  const auto address = Address::parse("unix:" + path.string());
  if (!address) return failure("the control socket " + path.string() + ": " + address.error().message);
  auto socket = sockets::listen(*address, {.reuse_port = false, .backlog = 16, .mode = 0600});
  if (!socket) {
    return failure("cannot make the control socket " + path.string() + ": " + socket.error().message +
                       " (does another instance serve the same configuration?)",
                   socket.error().code);
  }
  return std::make_unique<ControlSocket>(Private{}, loop, Bound{path, *std::move(socket)}, std::move(handler));
}

ControlSocket::ControlSocket(Private /*only_open_makes_one*/, EventLoop& loop, Bound bound, Handler handler)
    : loop_(loop),
      path_(std::move(bound.path)),
      handler_(std::move(handler)),
      listening_(std::move(bound.listening)),
      watcher_(loop, listening_.get(), [this](IoEvents) { accept(); }) {}

ControlSocket::~ControlSocket() {
  std::error_code error;
  std::filesystem::remove(path_, error);
  if (!alias_.empty()) std::filesystem::remove(alias_, error);
}

void ControlSocket::also_at(const std::filesystem::path& path) {
  std::error_code error;
  if (path == path_) return;
  if (std::filesystem::is_symlink(path, error)) std::filesystem::remove(path, error);
  std::filesystem::create_symlink(path_, path, error);
  if (!error) alias_ = path;
}

void ControlSocket::accept() {
  for (;;) {
    Fd socket(accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN) refusals.warn("cannot accept on the control socket {}", path_.string());
      return;
    }
    if (!may_command(socket.get())) {
      refusals.warn("refused another user on the control socket {}", path_.string());
      continue;
    }
    make_room();
    clients_.push_back(std::make_unique<Client>(*this, std::move(socket)));
    clients_.back()->begin();
  }
}

// The oldest of those who are least worth it goes: silence must not keep a command out.
void ControlSocket::make_room() {
  if (clients_.size() < kMaxClients) return;
  refusals.warn("too many clients on the control socket {}: the oldest silent one is dropped", path_.string());
  end(**std::ranges::min_element(clients_, {}, [](const auto& held) { return held->worth(); }));
}

void ControlSocket::end(Client& client) {
  const auto at =
      std::find_if(clients_.begin(), clients_.end(), [&](const auto& held) { return held.get() == &client; });
  if (at == clients_.end()) return;
  client.close();
  loop_.retire(std::move(*at));
  clients_.erase(at);
}

}  // namespace gatehouse
