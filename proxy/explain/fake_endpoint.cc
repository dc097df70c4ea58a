#include "proxy/explain/fake_endpoint.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <utility>

#include "common/event_loop.h"
#include "common/sockets.h"

namespace gatehouse {
namespace {

constexpr std::string_view kResponse = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kEndOfHead = "\r\n\r\n";

}  // namespace

Result<std::unique_ptr<FakeEndpoint>> FakeEndpoint::listen(EventLoop& loop) {
  auto socket = sockets::listen(*Address::parse("127.0.0.1:0"), {.reuse_port = false});
  if (!socket) return std::unexpected(socket.error());
  return std::make_unique<FakeEndpoint>(loop, *std::move(socket));
}

FakeEndpoint::FakeEndpoint(EventLoop& loop, Fd socket)
    : loop_(loop),
      socket_(std::move(socket)),
      address_(Address::local_of(socket_.get())),
      accepting_(loop, socket_.get(), [this](IoEvents) { accept(); }) {}

void FakeEndpoint::accept() {
  if (connection_) return;
  connection_ = Fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (connection_) reading_ = std::make_unique<IoWatcher>(loop_, connection_.get(), [this](IoEvents) { read(); });
}

void FakeEndpoint::read() {
  std::array<char, 16 * 1024> block{};
  for (;;) {
    const ssize_t count = ::read(connection_.get(), block.data(), block.size());
    if (count <= 0) return;
    if (responded_) continue;
    head_.append(block.data(), static_cast<std::size_t>(count));
    const std::size_t end = head_.find(kEndOfHead);
    if (end == std::string::npos) continue;
    head_.resize(end);
    responded_ = ::send(connection_.get(), kResponse.data(), kResponse.size(), MSG_NOSIGNAL) > 0;
  }
}

}  // namespace gatehouse
