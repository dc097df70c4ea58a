// What a reload cannot change is told to whoever asked for it.
#include "proxy/server/next_start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(NextStartTest, EachKeyThatWaitsIsNamed) {
  config::Config running;
  running.file = "a.toml";
  running.server.workers = 2;
  config::Config wanted = running;
  EXPECT_THAT(what_waits(wanted, running, 2), IsEmpty());
  wanted.server.workers = 3;
  wanted.server.control = "/run/other.sock";
  wanted.server.quic_config_id = 1;
  wanted.server.user = "www-data";
  const auto waits = what_waits(wanted, running, 2);
  EXPECT_THAT(config::texts(waits),
              ElementsAre("a.toml: warning: server.workers takes effect with the next start",
                          "a.toml: warning: server.control takes effect with the next start",
                          "a.toml: warning: server.secret_file, quic_server_id and quic_config_id take effect with the "
                          "next start",
                          "a.toml: warning: server.user takes effect with the next start"));
  EXPECT_FALSE(config::has_errors(waits));
}

TEST(NextStartTest, ThereIsAWorkerAtLeastAndNoMoreThanQuicCanTellApart) {
  config::Config config;
  config.server.workers = 1000;
  EXPECT_EQ(workers_of(config), 255U);
  config.server.workers = 0;
  EXPECT_GE(workers_of(config), 1U);
}

}  // namespace
}  // namespace gatehouse
