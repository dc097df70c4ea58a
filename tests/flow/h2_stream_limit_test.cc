// Streams beyond the limit that our SETTINGS announce, by a client that does not care: raw frames.
#include <map>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/frontend/h2/h2_connection.h"
#include "tests/support/h2_client.h"

namespace gatehouse::testing_support {
namespace {

constexpr std::uint32_t kLimit = 3;
// :method GET, :scheme http, :path / of the static table, and an authority.
const std::string kHead = {'\x82', '\x86', '\x84', '\x01', '\x01', 'a'};
// Puts "x: y" into the table, as its newest entry.
const std::string kNewEntry = {'\x40', '\x01', 'x', '\x01', 'y'};
const std::string kNewest = "\xbe";

class H2StreamLimit : public ::testing::Test {
 protected:
  H2StreamLimit() {
    world_.script = [](Exchange&) {};
    auto [client, server] = MemoryStream::make_pair(world_.loop);
    client_ = std::move(client);
    world_.context.connections.add(
        std::make_unique<H2Connection>(world_.context, ClientTransport{.stream = std::move(server)}));
    send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(NGHTTP2_SETTINGS, 0, 0, "") +
         h2_frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""));
  }
  void send(const std::string& bytes) {
    Buffer out(bytes);
    client_->write(out);
    world_.settle();
    receive();
  }
  // Returns the stream's id.
  std::int32_t ask(const std::string& more = "") {
    const std::int32_t id = std::exchange(next_, next_ + 2);
    send(h2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id, kHead + more));
    return id;
  }
  void respond() {
    world_.live.at(0)->respond({.status = 200}, "hello");
    world_.settle();
    receive();
  }
  void receive() {
    Buffer bytes;
    while (client_->read(bytes, 64UL * 1024).status == IoStatus::kOk) {
    }
    received_ += bytes.to_string();
    while (received_.size() >= 9) {
      const std::size_t size = number(received_, 0, 3);
      if (received_.size() < 9 + size) return;
      note(static_cast<std::uint8_t>(received_[3]), static_cast<std::uint8_t>(received_[4]),
           static_cast<std::int32_t>(number(received_, 5, 4)), received_.substr(9, size));
      received_.erase(0, 9 + size);
    }
  }
  void note(std::uint8_t type, std::uint8_t flags, std::int32_t id, const std::string& payload) {
    if (type == NGHTTP2_RST_STREAM) resets_[id] = number(payload, 0, 4);
    if (type == NGHTTP2_GOAWAY) goaways_.push_back(number(payload, 4, 4));
    if (type == NGHTTP2_DATA && (flags & NGHTTP2_FLAG_END_STREAM) != 0) ++complete_;
    for (std::size_t at = 0; type == NGHTTP2_SETTINGS && at + 6 <= payload.size(); at += 6) {
      settings_[number(payload, at, 2)] = number(payload, at + 2, 4);
    }
  }
  static std::size_t number(std::string_view bytes, std::size_t at, std::size_t size) {
    std::size_t value = 0;
    for (const char byte : bytes.substr(at, size)) value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
  }

  FrontendWorld world_{[](ListenerPolicy& policy) { policy.connection.max_streams = kLimit; }};
  std::unique_ptr<MemoryStream> client_;
  std::int32_t next_ = 1;
  std::string received_;
  std::map<std::int32_t, std::size_t> resets_;
  std::map<std::size_t, std::size_t> settings_;
  std::vector<std::size_t> goaways_;
  int complete_ = 0;
};

TEST_F(H2StreamLimit, IsWhatOurSettingsSay) {
  EXPECT_EQ(settings_[NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS], kLimit);
  EXPECT_EQ(settings_[NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE], 65536U);
  EXPECT_EQ(settings_[NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL], 1U);
  EXPECT_EQ(settings_.size(), 5U);
}

TEST_F(H2StreamLimit, OneBeyondItIsRefusedAloneAndTheOthersFinish) {
  for (std::uint32_t i = 0; i < kLimit; ++i) ask();
  const std::int32_t beyond = ask();
  EXPECT_EQ(resets_, (std::map<std::int32_t, std::size_t>{{beyond, NGHTTP2_REFUSED_STREAM}}));
  EXPECT_EQ(world_.begun, 3);
  for (std::uint32_t i = 0; i < kLimit; ++i) respond();
  EXPECT_EQ(complete_, 3);
  EXPECT_THAT(goaways_, testing::IsEmpty());
}

TEST_F(H2StreamLimit, AnAnswerOrACancellationMakesRoom) {
  for (std::uint32_t i = 0; i < kLimit; ++i) ask();
  respond();
  ask();
  EXPECT_EQ(world_.begun, 4);
  send(h2_frame(NGHTTP2_RST_STREAM, 0, 3, std::string("\0\0\0\x08", 4)));
  ask();
  EXPECT_EQ(world_.begun, 5);
  EXPECT_THAT(resets_, testing::IsEmpty());
}

TEST_F(H2StreamLimit, TheHeadOfARefusedStreamIsStillDecoded) {
  for (std::uint32_t i = 0; i < kLimit; ++i) ask();
  ask(kNewEntry);
  respond();
  ask(kNewest);
  ASSERT_EQ(world_.begun, 4);
  EXPECT_EQ(world_.live.back()->request().fields.find("x"), "y");
  EXPECT_THAT(goaways_, testing::IsEmpty());
}

TEST_F(H2StreamLimit, BodiesOfRefusedStreamsAreDropped) {
  for (std::uint32_t i = 0; i < kLimit; ++i) ask();
  const std::int32_t id = next_;
  send(h2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, kHead) + h2_frame(NGHTTP2_DATA, 0, id, "some") +
       h2_frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, id, "body"));
  EXPECT_EQ(resets_[id], NGHTTP2_REFUSED_STREAM);
  for (std::uint32_t i = 0; i < kLimit; ++i) respond();
  EXPECT_EQ(complete_, 3);
  EXPECT_THAT(goaways_, testing::IsEmpty());
}

TEST_F(H2StreamLimit, WhoGoesOnAndOnIsCut) {
  int asked = 0;
  for (; goaways_.empty() && asked < 1000; ++asked) ask();
  EXPECT_THAT(goaways_, testing::ElementsAre(NGHTTP2_ENHANCE_YOUR_CALM));
  EXPECT_GE(asked, 100);
  EXPECT_LE(asked, 105);
  EXPECT_EQ(world_.begun, 3);
  EXPECT_EQ(world_.counters.cut[static_cast<std::size_t>(Abuse::kForcedReset)].value(), 1U);
}

TEST_F(H2StreamLimit, AReloadDoesNotLowerWhatWasSaid) {
  auto policy = std::make_shared<ListenerPolicy>(*world_.context.policy);
  policy->connection.max_streams = 1;
  world_.context.policy = policy;
  for (std::uint32_t i = 0; i < kLimit; ++i) ask();
  EXPECT_EQ(world_.begun, 3);
}

TEST_F(H2StreamLimit, AConnectionWithARefusedStreamHasNoHeadToWaitFor) {
  for (std::uint32_t i = 0; i <= kLimit; ++i) ask();
  world_.advance(std::chrono::seconds(40));
  EXPECT_THAT(goaways_, testing::IsEmpty());
}

}  // namespace
}  // namespace gatehouse::testing_support
