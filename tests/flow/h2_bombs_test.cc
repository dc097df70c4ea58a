// Small header blocks that stand for large heads: what is decoded is bounded, not only what is kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/bombs.h"
#include "tests/support/h2_client.h"

namespace gatehouse::testing_support {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint8_t kEndHeaders = NGHTTP2_FLAG_END_HEADERS;
constexpr std::uint8_t kWhole = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;
// Of an entry of 4,033 with its overhead: the limit of a head, and eight times the limit.
constexpr std::size_t kBeyondTheLimit = 10;
constexpr std::size_t kJustBelow = 60;
constexpr std::size_t kTooMany = 66;

// A client that says what the test tells it to, and collects what comes.
class Bomber : public FrontendWorld {
 public:
  Bomber() {
    auto [client, server] = MemoryStream::make_pair(loop);
    stream_ = std::move(client);
    context.connections.add(std::make_unique<H2Connection>(context, ClientTransport{.stream = std::move(server)}));
    send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(NGHTTP2_SETTINGS, 0, 0, "") +
         h2_frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""));
  }
  ~Bomber() override { stream_.reset(); }

  void send(std::string_view text) {
    Buffer bytes(text);
    stream_->write(bytes);
    settle();
    Buffer got;
    while (stream_->read(got, 64UL * 1024).status == IoStatus::kOk) {
    }
    received += got.to_string();
    settle();
  }
  void expect_calm(Abuse why) {
    // GOAWAY: what it says of the last stream is left open, then the code.
    EXPECT_THAT(received, HasSubstr(std::string("\0\0\x08\7\0\0\0\0\0", 9)));
    EXPECT_TRUE(received.ends_with(std::string("\0\0\0\x0b", 4)));
    EXPECT_EQ(cut(why), 1U);
  }
  std::uint64_t cut(Abuse why) const { return counters.cut[static_cast<std::size_t>(why)].value(); }
  std::vector<int> statuses() const {
    std::vector<int> all;
    for (const EndedExchange& one : ended) all.push_back(one.status);
    return all;
  }

  std::string received;

 private:
  std::unique_ptr<MemoryStream> stream_;
};

TEST(H2Bombs, ReferencesFarBeyondTheLimitEndTheConnection) {
  Bomber client;
  const std::string head = hpack_head() + hpack_insert();
  client.send(h2_frame(NGHTTP2_HEADERS, 0, 1, head + hpack_references(kTooMany)) +
              h2_frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, hpack_references(16384)));
  client.expect_calm(Abuse::kExcessiveHead);
  EXPECT_EQ(client.begun, 0);
}

TEST(H2Bombs, WhatIsBeyondTheLimitAloneIsAnswered) {
  Bomber client;
  client.send(h2_frame(NGHTTP2_HEADERS, kWhole, 1, hpack_head() + hpack_insert() + hpack_references(kBeyondTheLimit)));
  client.send(h2_frame(NGHTTP2_HEADERS, kWhole, 3, hpack_head() + hpack_references(1)));
  EXPECT_THAT(client.statuses(), ElementsAre(431, 200));
}

TEST(H2Bombs, TrailersAreNoWayAround) {
  Bomber client;
  client.script = [](Exchange&) {};
  client.send(h2_frame(NGHTTP2_HEADERS, kEndHeaders, 1, hpack_head() + hpack_insert()) +
              h2_frame(NGHTTP2_HEADERS, kWhole, 1, hpack_references(kTooMany)));
  client.expect_calm(Abuse::kExcessiveHead);
}

TEST(H2Bombs, ManyHeadsJustBelowTheMultipleAreTooManyTogether) {
  Bomber client;
  client.send(h2_frame(NGHTTP2_HEADERS, kWhole, 1, hpack_head() + hpack_insert()));
  for (std::int32_t id = 3; id < 2 * 150 && client.cut(Abuse::kOversizedHead) == 0; id += 2) {
    client.send(h2_frame(NGHTTP2_HEADERS, kWhole, id, hpack_head() + hpack_references(kJustBelow)));
  }
  EXPECT_EQ(client.cut(Abuse::kOversizedHead), 1U);
  EXPECT_TRUE(client.received.ends_with(std::string("\0\0\0\x0b", 4)));
  EXPECT_LE(client.ended.size(), 102U);
}

// What nghttp2 skips is decoded without a look at the values: a reference costs no more than any other byte. Here only
// that it does no harm; how little it costs is counted by the tests of work.
TEST(H2Bombs, OnStreamsThatAreOverTheyAreIgnored) {
  Bomber client;
  const std::string frames = h2_frame(NGHTTP2_HEADERS, kWhole, 1, hpack_head() + hpack_insert()) +
                             h2_frame(NGHTTP2_HEADERS, kEndHeaders, 3, hpack_head()) +
                             h2_frame(NGHTTP2_RST_STREAM, 0, 3, std::string("\0\0\0\x08", 4)) +
                             h2_frame(NGHTTP2_HEADERS, kWhole, 3, hpack_references(16384));
  client.send(frames);
  client.send(h2_frame(NGHTTP2_HEADERS, kWhole, 5, hpack_head() + hpack_references(1)));
  ASSERT_FALSE(client.ended.empty());
  EXPECT_EQ(client.ended.back().status, 200) << "and the table is still the same on both sides";
}

TEST(H2Bombs, CrumbsAreCountedInTheirHundredThousands) {
  Bomber client;
  const std::string block = hpack_head() +
                            "\x60\x01"
                            "c";  // cookie: c, inserted
  for (int i = 0; i < 6; ++i) {
    client.send(h2_frame(i == 0 ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION, 0, 1,
                         i == 0 ? block + hpack_references(16000) : hpack_references(16384)));
  }
  client.expect_calm(Abuse::kExcessiveHead);
  EXPECT_EQ(client.begun, 0);
}

}  // namespace
}  // namespace gatehouse::testing_support
