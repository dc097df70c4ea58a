#include "proxy/frontend/quic/quic_tokens.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "common/crypto/secret_file.h"
#include "proxy/frontend/quic/quic_id.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

UdpPath path_from(const Address& client) {
  return {.local = nullptr, .local_length = 0, .remote = client.data(), .remote_length = client.length()};
}

ngtcp2_cid id_of(std::string_view text) {
  ngtcp2_cid id;
  ngtcp2_cid_init(&id, reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  return id;
}

class QuicTokensTest : public ::testing::Test {
 protected:
  std::optional<ngtcp2_cid> verify(const QuicTokens& by, const Address& from, WallTime at) {
    return by.verify_retry(path_from(from), {.token = token, .version = NGTCP2_PROTO_VER_V1, .dcid = &scid}, 10s, at);
  }

  QuicTokens tokens{QuicSecrets::random()};
  Address client = Address::parse("192.0.2.1:5000").value();
  WallTime now{std::chrono::hours(1000)};
  ngtcp2_cid scid = id_of("chosen-by-us");
  ngtcp2_cid original = id_of("chosen-by-client");
  QuicTokens::Token token = tokens.retry_token(
      path_from(client), {.version = NGTCP2_PROTO_VER_V1, .retry_scid = &scid, .original_dcid = &original}, now);
};

TEST_F(QuicTokensTest, RetryTokenGivesTheOriginalIdBackToTheSameClient) {
  EXPECT_TRUE(QuicTokens::is_retry_token(token));
  const auto found = verify(tokens, client, now + 9s);
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(ngtcp2_cid_eq(&*found, &original));
}

TEST_F(QuicTokensTest, RetryTokenIsWorthNothingElsewhereOrLater) {
  EXPECT_FALSE(verify(tokens, Address::parse("192.0.2.1:5001").value(), now).has_value());
  EXPECT_FALSE(verify(tokens, Address::parse("192.0.2.2:5000").value(), now).has_value());
  EXPECT_FALSE(verify(tokens, client, now + 11s).has_value());
  EXPECT_FALSE(verify(QuicTokens(QuicSecrets::random()), client, now).has_value());
  scid = id_of("another-id!!");
  EXPECT_FALSE(verify(tokens, client, now).has_value());
}

TEST_F(QuicTokensTest, RetryTokenWithAnyBitFlippedIsRefused) {
  for (std::size_t bit = 0; bit < token.size() * 8; ++bit) {
    token[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(verify(tokens, client, now).has_value()) << bit;
    token[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
  }
}

TEST_F(QuicTokensTest, NewTokenIsBoundToTheAddressAndNotToThePort) {
  const auto fresh = tokens.new_token(path_from(client), now);
  EXPECT_FALSE(QuicTokens::is_retry_token(fresh));
  EXPECT_TRUE(tokens.verify_new_token(path_from(Address::parse("192.0.2.1:999").value()), fresh, 24h, now + 23h));
  EXPECT_FALSE(tokens.verify_new_token(path_from(Address::parse("192.0.2.3:5000").value()), fresh, 24h, now));
  EXPECT_FALSE(tokens.verify_new_token(path_from(client), fresh, 24h, now + 25h));
}

TEST(QuicSecretsTest, FileIsMadeOnceForItsOwnerOnlyAndSurvivesARestart) {
  const testing_support::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "quic-secret";
  const auto first = QuicSecrets::load_or_create(file);
  ASSERT_TRUE(first.has_value()) << first.error().message;
  struct stat status{};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(status.st_size, 32);
  EXPECT_EQ(status.st_nlink, 1U);
  const auto second = QuicSecrets::load_or_create(file);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(first->reset_key, second->reset_key);
  EXPECT_EQ(first->token_key, second->token_key);
  EXPECT_NE(first->reset_key, first->token_key);
}

TEST(QuicSecretsTest, FileOfAnotherSizeIsAnErrorThatNamesIt) {
  const testing_support::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "quic-secret";
  for (const std::size_t size : {5, 31, 33, 64}) {
    std::ofstream(file) << std::string(size, 'x');
    const auto loaded = QuicSecrets::load_or_create(file);
    ASSERT_FALSE(loaded.has_value()) << size;
    EXPECT_NE(loaded.error().message.find(file.string()), std::string::npos);
  }
}

TEST(QuicSecretsTest, EachListenerResetsOnlyItsOwnConnectionsWithASharedSecretToo) {
  const secret_file::Secret shared{1, 2, 3};
  const Address client = Address::parse("192.0.2.1:5000").value();
  const WallTime now{std::chrono::hours(1000)};
  const ngtcp2_cid id = id_of("some-connection");
  QuicSecrets own = QuicSecrets::random();
  QuicSecrets machine = own;
  machine.share(shared, std::array<std::uint8_t, 1>{7});
  for (const QuicSecrets& secrets : {own, machine}) {
    const auto reset_at = [&](const QuicSecrets& of, const std::string& address) {
      std::array<std::uint8_t, QuicTokens::kResetTokenSize> token{};
      QuicTokens(of.of_listener(Address::parse(address).value())).reset_token(token, id);
      return token;
    };
    const auto a = reset_at(secrets, "127.0.0.1:8443");
    EXPECT_EQ(a, reset_at(secrets, "127.0.0.1:8443"));  // on every worker, and after a restart
    EXPECT_NE(a, reset_at(secrets, "127.0.0.1:9443"));
    EXPECT_NE(a, reset_at(secrets, "127.0.0.2:8443"));
    EXPECT_NE(a, reset_at(secrets, "[::]:8443"));
    // A token proves an address to all of them.
    const QuicTokens here(secrets.of_listener(Address::parse("127.0.0.1:8443").value()));
    const QuicTokens there(secrets.of_listener(Address::parse("127.0.0.1:9443").value()));
    EXPECT_TRUE(there.verify_new_token(path_from(client), here.new_token(path_from(client), now), 1h, now));
  }
}

TEST(QuicSecretsTest, MachinesThatShareASecretHonourEachOthersTokensAndResetOnlyTheirOwnConnections) {
  const secret_file::Secret shared{1, 2, 3};
  const Address client = Address::parse("192.0.2.1:5000").value();
  const WallTime now{std::chrono::hours(1000)};
  const ngtcp2_cid id = id_of("some-connection");
  const auto machine = [&](std::string_view server_id) {
    QuicSecrets secrets = QuicSecrets::random();
    secrets.share(shared, {reinterpret_cast<const std::uint8_t*>(server_id.data()), server_id.size()});
    return QuicTokens(secrets);
  };
  const auto reset_of = [&](const QuicTokens& tokens) {
    std::array<std::uint8_t, QuicTokens::kResetTokenSize> token{};
    tokens.reset_token(token, id);
    return token;
  };
  const QuicTokens a = machine("a");
  const QuicTokens b = machine("b");
  EXPECT_TRUE(b.verify_new_token(path_from(client), a.new_token(path_from(client), now), 1h, now));
  EXPECT_NE(reset_of(a), reset_of(b));
  EXPECT_EQ(reset_of(a), reset_of(machine("a")));  // after a restart without a disk
  EXPECT_NE(reset_of(machine("")), reset_of(machine("")));

  const QuicTokens stranger{QuicSecrets::random()};
  EXPECT_FALSE(stranger.verify_new_token(path_from(client), a.new_token(path_from(client), now), 1h, now));
}

TEST(QuicIdTest, SaysWhichWorkerItBelongsTo) {
  const QuicIdLayout ids;
  const QuicId id = ids.make(7);
  EXPECT_EQ(id.size, 12);
  EXPECT_EQ(id.data[0], 0xeb);  // no server id: configuration 7, and 11 bytes follow
  EXPECT_EQ(ids.worker_of(id.bytes()), 7U);
  EXPECT_NE(id, ids.make(7));
  EXPECT_FALSE(ids.worker_of(id.bytes().first(11)).has_value());
  QuicId other = id;
  other.data[0] ^= 0x20;
  EXPECT_FALSE(ids.worker_of(other.bytes()).has_value());
}

TEST(QuicIdTest, CarriesTheServerIdWhereABalancerLooksForIt) {
  const std::array<std::uint8_t, 4> server = {10, 0, 2, 1};
  const QuicIdLayout ids(server, 5);
  const QuicId id = ids.make(9);
  EXPECT_EQ(id.size, 12);
  EXPECT_EQ(id.data[0], 5 << 5 | 11);
  EXPECT_TRUE(std::ranges::equal(std::span(id.data).subspan(1, 4), server));
  EXPECT_EQ(id.data[5], 9);
  EXPECT_EQ(ids.worker_of(id.bytes()), 9U);

  const std::array<std::uint8_t, 4> neighbour = {10, 0, 2, 2};
  EXPECT_FALSE(QuicIdLayout(neighbour, 5).worker_of(id.bytes()).has_value());
  EXPECT_FALSE(QuicIdLayout(server, 4).worker_of(id.bytes()).has_value());
}

TEST(QuicIdTest, HasRoomForFourBytesOfNonceBesideTheLongestServerId) {
  constexpr std::size_t kNonce = 4;  // the least that QUIC-LB allows
  std::size_t before = 0;
  for (std::size_t size = 1; size <= QuicIdLayout::kMaxServerId; ++size) {
    const std::vector<std::uint8_t> server(size, 0x33);
    const QuicIdLayout ids(server, 0);
    EXPECT_GE(ids.length(), 1 + size + kNonce);
    EXPECT_LE(ids.length(), QuicId::kMaxLength);
    EXPECT_GE(ids.length(), before);
    before = ids.length();
    EXPECT_EQ(ids.worker_of(ids.make(254).bytes()), 254U);
  }
}

}  // namespace
}  // namespace gatehouse
