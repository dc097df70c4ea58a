// An H3Session without QUIC: raw bytes of a client's streams are given to it, and what it asks its transport for is
// noted. For what a decent client's library would not send. Belongs to the test's thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/frontend/h3/h3_session.h"
#include "tests/support/bombs.h"
#include "tests/support/frontend_testing.h"

namespace gatehouse::testing_support {

// A field section of literals, and the frame that has it (RFC 9204 section 4.5.6).
using H3Fields = std::vector<std::pair<std::string, std::string>>;
inline std::string qpack_literals(const H3Fields& fields) {
  std::string section(2, '\0');
  for (const auto& [name, value] : fields) {
    section.append(prefixed(name.size(), 3, 0x20)).append(name);
    section.append(prefixed(value.size(), 7, 0)).append(value);
  }
  return section;
}
inline std::string h3_head(const H3Fields& fields) {
  return h3_frame('\1', qpack_literals(fields));
}
inline H3Fields h3_request(std::string_view method, const H3Fields& more = {}) {
  H3Fields fields = {{":method", std::string(method)}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

class NotingTransport final : public H3Transport {
 public:
  void wake_flush() override {}
  void credit_stream(std::int64_t stream, std::size_t bytes) override { credited[stream] += bytes; }
  void credit_connection(std::size_t bytes) override { credited_in_all += bytes; }
  void reset(std::int64_t stream, std::uint64_t code) override {
    ++resets;
    reset_codes.try_emplace(stream, code);
  }
  void stop_sending(std::int64_t stream, std::uint64_t code) override { stop_codes.try_emplace(stream, code); }
  void busy(bool /*is_busy*/) override {}
  void finish(std::uint64_t code) override {
    if (!finished) finished = code;
  }

  std::size_t resets = 0;
  std::optional<std::uint64_t> finished;  // with this code
  std::map<std::int64_t, std::uint64_t> reset_codes;
  std::map<std::int64_t, std::uint64_t> stop_codes;
  std::map<std::int64_t, std::size_t> credited;
  std::size_t credited_in_all = 0;
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
      for (std::size_t i = 0; i < piece.parts; ++i) {
        sent[piece.stream].append(reinterpret_cast<const char*>(piece.part[i].base), piece.part[i].len);
      }
      if (piece.fin) ended_by_us.insert(piece.stream);
      EXPECT_TRUE(session->sent(piece, bytes).has_value());
      EXPECT_TRUE(session->acknowledged(piece.stream, bytes).has_value());
    }
  }
  // The client has seen everything of it.
  void close(std::int64_t stream) { EXPECT_EQ(end(stream), std::nullopt); }

  // What a stream's end in both directions leads to: the code that the connection ends with, if it does.
  std::optional<std::uint64_t> end(std::int64_t stream) {
    const auto outcome = session->closed(stream, NGHTTP3_H3_NO_ERROR);
    return outcome ? std::nullopt : std::optional(outcome.error());
  }
  std::uint64_t cut(Abuse why) const { return counters.cut[static_cast<std::size_t>(why)].value(); }

  std::map<std::int64_t, std::string> sent;  // by send_all()
  std::set<std::int64_t> ended_by_us;
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
