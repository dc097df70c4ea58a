// What tests of accepting share: a TcpListener on loopback with a loop on a manual clock, and real sockets for clients.
// Everything belongs to the test's thread.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "common/sockets.h"
#include "proxy/frontend/accept/tcp_listener.h"
#include "tests/support/frontend_testing.h"

namespace gatehouse::testing_support {

// A listener on loopback, a loop on a manual clock, and real sockets for clients.
class Front : public FrontendWorld {
 public:
  explicit Front(std::shared_ptr<const TlsContexts> tls = nullptr, std::shared_ptr<ConnectionBudget> budget = nullptr) {
    context.tls = std::move(tls);
    context.budget = std::move(budget);
    context.speaks_h2 = context.tls != nullptr;
    Fd socket = sockets::listen(Address::parse("127.0.0.1:0").value()).value();
    address = Address::local_of(socket.get());
    listener.emplace(context, std::move(socket));
  }
  ~Front() override { listener.reset(); }
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  Fd connect() const { return sockets::connect(address).value(); }
  void until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done() && std::chrono::steady_clock::now() < deadline) loop.turn(EventLoop::Wait::kNever);
    EXPECT_TRUE(done());
  }
  std::size_t open() const { return context.connections.size(); }

  Address address;
  std::optional<TcpListener> listener;
};

inline std::string ask(Front& front, const Fd& client, std::string_view request) {
  EXPECT_EQ(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL), std::ssize(request));
  std::string response;
  front.until([&] {
    char piece[4096];
    const ssize_t count = ::recv(client.get(), piece, sizeof piece, MSG_DONTWAIT);
    if (count > 0) response.append(piece, static_cast<std::size_t>(count));
    return response.ends_with("hello");
  });
  return response;
}

inline bool ended(const Fd& client) {
  char byte = 0;
  return ::recv(client.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

}  // namespace gatehouse::testing_support
