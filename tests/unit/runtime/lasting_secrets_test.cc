// Secrets that machines share, and those that a machine keeps for its next start.
#include "proxy/runtime/lasting_secrets.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using testing_support::TemporaryFolder;

class LastingSecretsTest : public ::testing::Test {
 protected:
  // The next start of the machine whose state directory is `state`.
  static LastingSecrets start(const std::string& state, const config::Server& server = {}) {
    ::setenv("STATE_DIRECTORY", state.c_str(), 1);
    LastingSecrets secrets(server);
    ::unsetenv("STATE_DIRECTORY");
    return secrets;
  }
  std::string machine(const std::string& name) { return folder.path() / name; }
  config::Server sharing() {
    config::Server server;
    server.secret_file.path = folder.write("secret", "0123456789abcdef0123456789ABCDEF");
    return server;
  }

  TemporaryFolder folder;
};

TEST_F(LastingSecretsTest, AMachineHasTheSameOnesAfterARestartAndAnotherHasOthers) {
  const LastingSecrets before = start(machine("a"));
  const LastingSecrets after = start(machine("a"));
  const LastingSecrets other = start(machine("b"));
  EXPECT_EQ(after.affinity_key(), before.affinity_key());
  EXPECT_EQ(after.quic().reset_key, before.quic().reset_key);
  EXPECT_EQ(after.quic().token_key, before.quic().token_key);
  EXPECT_NE(other.affinity_key(), before.affinity_key());
  EXPECT_NE(other.quic().token_key, before.quic().token_key);
}

TEST_F(LastingSecretsTest, MachinesWithOneSecretFileShareTokensAndCookiesButNotResets) {
  const LastingSecrets one = start(machine("a"), sharing());
  const LastingSecrets two = start(machine("b"), sharing());
  EXPECT_EQ(one.affinity_key(), two.affinity_key());
  EXPECT_EQ(one.quic().token_key, two.quic().token_key);
  EXPECT_NE(one.quic().reset_key, two.quic().reset_key);
}

TEST_F(LastingSecretsTest, WithAServerIdNothingIsKeptOnTheMachine) {
  config::Server server = sharing();
  server.quic_server_id = {1, 2};
  const LastingSecrets before = start(machine("a"), server);
  const LastingSecrets after = start(machine("elsewhere"), server);
  EXPECT_EQ(after.quic().reset_key, before.quic().reset_key);
  EXPECT_FALSE(std::filesystem::exists(machine("a")));
}

TEST_F(LastingSecretsTest, AFileThatCannotBeReadLeavesTheMachineItsOwn) {
  config::Server server;
  server.secret_file.path = folder.path() / "missing";
  EXPECT_EQ(start(machine("a"), server).affinity_key(), start(machine("a")).affinity_key());
}

}  // namespace
}  // namespace gatehouse
