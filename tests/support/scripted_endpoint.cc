#include "tests/support/scripted_endpoint.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include <gtest/gtest.h>

#include "common/sockets.h"

namespace gatehouse::testing_support {

const std::string& ScriptedConnection::received() {
  read_some();
  return received_;
}

bool ScriptedConnection::ended() {
  read_some();
  return ended_;
}

void ScriptedConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      ADD_FAILURE() << "the endpoint cannot send: " << errno;
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::size_t ScriptedConnection::send_what_fits(std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t now = ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (now <= 0) break;
    sent += static_cast<std::size_t>(now);
  }
  return sent;
}

void ScriptedConnection::finish_sending() {
  ::shutdown(socket_.get(), SHUT_WR);
}

void ScriptedConnection::reset() {
  sockets::set_linger_reset(socket_.get());
  socket_.reset();
}

std::size_t ScriptedConnection::take(std::size_t count) {
  std::string bytes(count, '\0');
  const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got <= 0) return 0;
  received_.append(bytes, 0, static_cast<std::size_t>(got));
  return static_cast<std::size_t>(got);
}

void ScriptedConnection::narrow() {
  const int size = 16 * 1024;
  EXPECT_EQ(::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
}

void ScriptedConnection::read_some() {
  if (!socket_) return;
  std::array<char, 64UL * 1024> bytes;
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) {
      received_.append(bytes.data(), static_cast<std::size_t>(got));
      continue;
    }
    if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) ended_ = true;
    return;
  }
}

ScriptedEndpoint::ScriptedEndpoint() : ScriptedEndpoint(Address::parse("127.0.0.1:0").value()) {}

ScriptedEndpoint::ScriptedEndpoint(const Address& address, int backlog) : address_(address), backlog_(backlog) {
  listen_again();
}

void ScriptedEndpoint::listen_again() {
  Result<Fd> listener = sockets::listen(address_, {.reuse_port = false, .backlog = backlog_});
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  listener_ = *std::move(listener);
  address_ = Address::local_of(listener_.get());
}

std::optional<ScriptedConnection> ScriptedEndpoint::accept() {
  Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket) return std::nullopt;
  return ScriptedConnection(std::move(socket));
}

Address refused_address() {
  const ScriptedEndpoint gone;
  return gone.address();
}

}  // namespace gatehouse::testing_support
