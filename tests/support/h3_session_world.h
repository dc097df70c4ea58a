// An H3Session without QUIC: raw bytes of a client's streams are given to it, and what it asks its transport for is
// noted. For what a decent client's library would not send. Belongs to the test's thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "proxy/frontend/h3/h3_session.h"
#include "tests/support/frontend_testing.h"

namespace gatehouse::testing_support {

class NotingTransport final : public H3Transport {
 public:
  void wake_flush() override {}
  void credit_stream(std::int64_t /*stream*/, std::size_t /*bytes*/) override {}
  void credit_connection(std::size_t /*bytes*/) override {}
  void reset(std::int64_t /*stream*/, std::uint64_t /*code*/) override { ++resets; }
  void stop_sending(std::int64_t /*stream*/, std::uint64_t /*code*/) override {}
  void busy(bool /*is_busy*/) override {}
  void finish(std::uint64_t code) override { finished = code; }

  std::size_t resets = 0;
  std::optional<std::uint64_t> finished;  // with this code
};

class H3SessionWorld : public FrontendWorld {
 public:
  H3SessionWorld() { EXPECT_TRUE(session->start({.control = 3, .encoder = 7, .decoder = 11})); }
  ~H3SessionWorld() override { session->cancel_all(); }

  // In pieces as packets have them, until the session ends. The code that it ended with, if it did.
  std::optional<std::uint64_t> receive(std::int64_t stream, std::string_view bytes, bool fin = false) {
    constexpr std::size_t kPacket = 1200;
    if (stream % 4 == 0 && stream >= next_) {
      session->opened(stream);
      next_ = stream + 4;
    }
    do {
      const std::string_view piece = bytes.substr(0, kPacket);
      bytes.remove_prefix(piece.size());
      const auto outcome = session->received(
          stream, {reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size()}, fin && bytes.empty());
      if (!outcome) return outcome.error();
      settle();
    } while (!bytes.empty() && !transport.finished);
    return transport.finished;
  }
  // All that the session has to send leaves at once, and is acknowledged.
  void send_all() {
    for (H3Session::Piece piece; session->next(piece) && piece.stream >= 0; piece = {}) {
      const std::size_t bytes = nghttp3_vec_len(piece.part.data(), piece.parts);
      static_cast<void>(session->sent(piece, bytes));
      static_cast<void>(session->acknowledged(piece.stream, bytes));
    }
  }
  // The client has seen everything of it.
  void close(std::int64_t stream) { static_cast<void>(session->closed(stream, NGHTTP3_H3_NO_ERROR)); }

  NotingTransport transport;
  H3Options options;
  std::unique_ptr<H3Session> session =
      std::make_unique<H3Session>(context, transport, options,
                                  H3Session::Peer{.client = {.protocol = Protocol::kH3,
                                                             .address = Address::parse("192.0.2.7:4711").value(),
                                                             .listener = {},
                                                             .tls = {}},
                                                  .contexts = nullptr});

 private:
  std::int64_t next_ = 0;
};

}  // namespace gatehouse::testing_support
