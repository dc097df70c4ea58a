#include "proxy/server/config_watcher.h"

#include <chrono>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/loop_testing.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
namespace fs = std::filesystem;

// What the kernel tells of is there at once; only the wait for quiet is the clock's.
class ConfigWatcherTest : public testing_support::LoopTest {
 protected:
  void settle() {
    turn();
    advance(300ms);
  }
  std::string file(const std::string& name) const { return folder.path() / name; }
  void replace(const fs::path& target, const std::string& link) {
    fs::create_symlink(target, folder.path() / "draft");
    fs::rename(folder.path() / "draft", folder.path() / link);
  }

  testing_support::TemporaryFolder folder;
  ConfigWatcher watcher{loop, [this](const std::string& changed) {
                          log.push_back(fs::path(changed).lexically_relative(folder.path()));
                          watcher.note();
                        }};
};

TEST_F(ConfigWatcherTest, ToldOnceOfAFileThatIsWrittenOrReplaced) {
  folder.write("a.toml", "1");
  EXPECT_TRUE(watcher.watch({file("a.toml")}));
  EXPECT_FALSE(watcher.watch({file("a.toml")}));
  settle();
  EXPECT_THAT(log, ElementsAre());
  folder.write("a.toml", "22");
  settle();
  EXPECT_THAT(log, ElementsAre("a.toml"));
  folder.write("next", "33");
  fs::rename(file("next"), file("a.toml"));
  settle();
  EXPECT_THAT(log, ElementsAre("a.toml", "a.toml"));
}

TEST_F(ConfigWatcherTest, OtherFilesOfTheFolderAreNobodysBusiness) {
  folder.write("a.toml", "1");
  watcher.watch({file("a.toml")});
  folder.write("access.log", "line");
  settle();
  EXPECT_THAT(log, ElementsAre());
}

TEST_F(ConfigWatcherTest, WaitsForQuietButNotForever) {
  folder.write("a.toml", "1");
  watcher.watch({file("a.toml")});
  folder.write("a.toml", "22");
  for (int i = 0; i < 15; ++i) {
    turn();
    EXPECT_THAT(log, ElementsAre()) << i;
    advance(100ms);
    folder.write("a.toml", std::string(static_cast<std::size_t>(i), 'x'));
  }
  for (int i = 0; i < 10; ++i) {
    turn();
    advance(100ms);
    folder.write("other", std::string(static_cast<std::size_t>(i), 'y'));
  }
  EXPECT_THAT(log, ElementsAre("a.toml"));
}

TEST_F(ConfigWatcherTest, AMountedConfigMapIsSwappedByALinkToItsFolder) {
  folder.write("..v1/a.toml", "1");
  folder.write("..v2/a.toml", "2");
  replace("..v1", "..data");
  fs::create_symlink("..data/a.toml", file("a.toml"));
  watcher.watch({file("a.toml")});
  replace("..v2", "..data");
  fs::remove_all(file("..v1"));
  settle();
  EXPECT_THAT(log, ElementsAre("a.toml"));
  folder.write("..v3/a.toml", "3");
  replace("..v3", "..data");
  settle();
  EXPECT_THAT(log, ElementsAre("a.toml", "a.toml"));
}

TEST_F(ConfigWatcherTest, AFolderOfAMountIsBehindTheSameLink) {
  folder.write("..v1/tls/cert.pem", "1");
  folder.write("..v2/tls/cert.pem", "2");
  replace("..v1", "..data");
  fs::create_symlink("..data/tls", file("tls"));
  watcher.watch({file("tls/cert.pem")});
  replace("..v2", "..data");
  settle();
  EXPECT_THAT(log, ElementsAre("tls/cert.pem"));
}

TEST_F(ConfigWatcherTest, LinksInACircleAreAFileThatIsNotThere) {
  fs::create_symlink("b.toml", file("a.toml"));
  fs::create_symlink("a.toml", file("b.toml"));
  watcher.watch({file("a.toml")});
  fs::remove(file("b.toml"));
  folder.write("b.toml", "1");
  settle();
  EXPECT_THAT(log, ElementsAre("a.toml"));
}

TEST_F(ConfigWatcherTest, ARenewedCertificateIsALinkIntoAnArchive) {
  folder.write("archive/cert1.pem", "1");
  folder.write("archive/cert2.pem", "2");
  fs::create_directory(file("live"));
  replace(file("archive/cert1.pem"), "live/cert.pem");
  fs::create_symlink(file("live/cert.pem"), file("cert.pem"));
  watcher.watch({file("cert.pem")});
  replace("../archive/cert2.pem", "live/cert.pem");
  settle();
  EXPECT_THAT(log, ElementsAre("cert.pem"));
}

TEST_F(ConfigWatcherTest, AFolderFarAboveIsReplacedByAnother) {
  folder.write("here/etc/a.toml", "1");
  folder.write("next/etc/a.toml", "2");
  watcher.watch({file("here/etc/a.toml")});
  fs::rename(file("here"), file("before"));
  fs::rename(file("next"), file("here"));
  settle();
  EXPECT_THAT(log, ElementsAre("here/etc/a.toml"));
  folder.write("before/etc/a.toml", "4");  // nobody's any more
  settle();
  EXPECT_EQ(log.size(), 1U);
  folder.write("here/etc/a.toml", "3");
  settle();
  EXPECT_EQ(log.size(), 2U);
}

TEST_F(ConfigWatcherTest, OneMoreFileThatAPatternMeansIsAChange) {
  folder.write("conf.d/a.toml", "1");
  watcher.watch({file("conf.d/*.toml")});
  folder.write("conf.d/b.toml~", "1");
  settle();
  EXPECT_THAT(log, ElementsAre());
  folder.write("conf.d/b.toml", "1");
  settle();
  fs::remove(file("conf.d/a.toml"));
  settle();
  EXPECT_THAT(log, ElementsAre("conf.d/b.toml", "conf.d/a.toml"));
}

TEST_F(ConfigWatcherTest, AFileThatGoesAndComesBackIsTwoChanges) {
  folder.write("a.toml", "1");
  watcher.watch({file("a.toml")});
  fs::remove(file("a.toml"));
  settle();
  folder.write("a.toml", "22");
  settle();
  EXPECT_THAT(log, ElementsAre("a.toml", "a.toml"));
}

TEST_F(ConfigWatcherTest, FilesComeAndGoAndChangeInAFolder) {
  folder.write("main.toml", "1");
  EXPECT_TRUE(watcher.watch({file("main.toml"), file("conf.d/*.toml")}));
  EXPECT_FALSE(watcher.watch({file("main.toml"), file("conf.d/*.toml")}));
  folder.write("conf.d/a.toml", "1");
  settle();
  EXPECT_THAT(log, ElementsAre("conf.d/")) << "with its folder";
  folder.write("conf.d/a.toml", "22");
  folder.write("conf.d/noise", "1");
  settle();
  fs::rename(file("conf.d/a.toml"), file("conf.d/b.toml"));
  settle();
  fs::remove(file("conf.d/b.toml"));
  settle();
  EXPECT_THAT(log, ElementsAre("conf.d/", "conf.d/a.toml", "conf.d/a.toml", "conf.d/b.toml"));
  folder.write("conf.d/noise", "22");
  settle();
  EXPECT_EQ(log.size(), 4U);
}

TEST_F(ConfigWatcherTest, WhatALinkOfAFolderLeadsToIsWatched) {
  folder.write("available/a.toml", "1");
  fs::create_directory(file("enabled"));
  fs::create_symlink("../available/a.toml", file("enabled/a.toml"));
  watcher.watch({file("enabled/*.toml")});
  folder.write("available/a.toml", "22");
  settle();
  EXPECT_THAT(log, ElementsAre("enabled/a.toml"));
}

TEST_F(ConfigWatcherTest, FilesMayBeAddedToThoseOfBefore) {
  folder.write("a.toml", "1");
  folder.write("b.toml", "1");
  watcher.watch({file("a.toml")});
  EXPECT_TRUE(watcher.watch_too({file("b.toml")}));
  EXPECT_FALSE(watcher.watch_too({file("b.toml")}));
  folder.write("b.toml", "22");
  settle();
  folder.write("a.toml", "22");
  settle();
  EXPECT_THAT(log, ElementsAre("b.toml", "a.toml"));
}

TEST_F(ConfigWatcherTest, WhatIsNotWatchedAnyMoreIsSilent) {
  folder.write("a.toml", "1");
  folder.write("b.toml", "1");
  watcher.watch({file("a.toml"), file("b.toml")});
  watcher.watch({file("b.toml")});
  folder.write("a.toml", "22");
  settle();
  EXPECT_THAT(log, ElementsAre());
  watcher.watch({});
  folder.write("b.toml", "22");
  settle();
  EXPECT_THAT(log, ElementsAre());
}

}  // namespace
}  // namespace gatehouse
