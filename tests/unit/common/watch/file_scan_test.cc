#include "common/watch/file_scan.h"

#include <algorithm>
#include <filesystem>
#include <format>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "common/watch/change_watch.h"
#include "tests/support/loop_testing.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::UnorderedElementsAre;
namespace fs = std::filesystem;

class FileScanTest : public testing_support::LoopTest {
 protected:
  std::string in(const std::string& name) const { return folder.path() / name; }
  FileScan scan(const std::vector<std::string>& names) {
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back(in(name));
    return scan_files(PathPatterns(paths), watcher.handle());
  }
  std::vector<std::string> files(const std::vector<std::string>& names) {
    std::vector<std::string> found;
    for (const auto& [path, version] : scan(names).versions)
      found.push_back(path.substr(folder.path().native().size() + 1));
    return found;
  }
  // Of the folders below ours.
  std::vector<std::string> watched(const std::vector<std::string>& names) {
    std::vector<std::string> found;
    const std::string root = folder.path().native();
    for (const FileWatcher::Held& held : scan(names).folders) {
      if (held.folder().starts_with(root + "/")) found.push_back(held.folder().substr(root.size() + 1));
    }
    return found;
  }

  testing_support::TemporaryFolder folder;
  FileWatcher watcher{loop};
};

TEST_F(FileScanTest, AFolderIsItsTreeAndAPatternIsFiles) {
  for (const char* name : {"app.py", "app.db", "lib/a.py", "lib/deep/b.py", "lib/.git/c.py", "lib/node_modules/d.py",
                           "lib/a.pyc", "lib/a.py~", "lib/web.log"}) {
    folder.write(name, "1");
  }
  EXPECT_THAT(files({"lib"}), ElementsAre("lib/", "lib/a.py", "lib/deep/b.py"));
  EXPECT_EQ(files({"lib/"}), files({"lib"}));
  EXPECT_THAT(files({"."}), ElementsAre("", "app.db", "app.py", "lib/a.py", "lib/deep/b.py"));
  EXPECT_THAT(files({"*.py"}), ElementsAre("", "app.py"));
  EXPECT_THAT(files({"**/*.py"}), ElementsAre("", "app.py", "lib/a.py", "lib/deep/b.py"));
  EXPECT_THAT(files({"lib/**"}), ElementsAre("lib/", "lib/a.py", "lib/deep/b.py"));
  EXPECT_THAT(files({"*/deep/*"}), ElementsAre("", "lib/deep/b.py"));
  EXPECT_THAT(files({"app.py", "app.py", "nothing", "no/such"}), ElementsAre("app.py"));
  EXPECT_THAT(watched({"lib"}), UnorderedElementsAre("lib", "lib/deep"));
}

TEST_F(FileScanTest, OfALinkEachFolderOnTheWayIsWatchedForTheNameThatIsPassed) {
  folder.write("releases/5/app.py", "1");
  fs::create_directory_symlink("5", in("releases/latest"));
  fs::create_directory_symlink(in("releases/latest"), in("current"));
  const FileScan found = scan({"current/app.py"});
  for (const char* name : {"current", "releases", "releases/latest", "releases/5", "current/app.py"}) {
    EXPECT_TRUE(found.way.contains(in(name))) << name;
  }
  EXPECT_TRUE(found.way.contains(folder.path()));
  EXPECT_FALSE(found.way.contains(in("releases/5/app.py")));
  EXPECT_EQ(found.versions.size(), 1U);
}

TEST_F(FileScanTest, LinksThatLeadBackAreAnEnd) {
  folder.write("site/a.py", "1");
  fs::create_directory_symlink("../site", in("site/again"));
  fs::create_directory_symlink("round", in("site/round"));
  EXPECT_THAT(files({"site"}), ElementsAre("site/", "site/a.py", "site/again/a.py"));
  // A name that doubles at each step would else be followed for ever.
  fs::create_symlink(".", in("l0"));
  for (int i = 1; i < 40; ++i) {
    fs::create_symlink(std::format("l{}/l{}", i - 1, i - 1), in(std::format("l{}", i)));
  }
  EXPECT_THAT(files({"l39/a.py"}), ElementsAre());
}

TEST_F(FileScanTest, OneDifferenceIsNamed) {
  const FileVersions one = {{"/a", {.inode = 1}}, {"/b", {.inode = 2}}};
  EXPECT_EQ(difference(one, one), std::nullopt);
  EXPECT_EQ(difference(one, {{"/a", {.inode = 1}}, {"/b", {.inode = 3}}}), "/b");
  EXPECT_EQ(difference(one, {{"/a", {.inode = 1}}}), "/b");
  EXPECT_EQ(difference({}, one), "/a");
  EXPECT_EQ(difference(one, {{"/a", {.inode = 1}}, {"/aa", {.inode = 1}}, {"/b", {.inode = 2}}}), "/aa");
}

TEST_F(FileScanTest, WhatIsTooMuchIsCutAndSaysSo) {
  for (int i = 0; i < 20; ++i) folder.write(std::format("many/{}/a.py", i), "1");
  const auto cut = [&](const FileScan::Most& most) {
    return scan_files(PathPatterns({in("many")}), watcher.handle(), {}, most);
  };
  EXPECT_EQ(cut({}).limit, FileScan::Limit::kNone);
  EXPECT_EQ(cut({.folders = 15}).limit, FileScan::Limit::kFolders);
  EXPECT_EQ(cut({.folders = 15}).folders.size(), 15U);
  EXPECT_EQ(cut({.files = 15}).limit, FileScan::Limit::kFiles);
  EXPECT_EQ(cut({.files = 15}).versions.size(), 15U);
  EXPECT_EQ(cut({.depth = 0}).versions.size(), 1U);
  EXPECT_EQ(for_people(FileScan::Limit::kFolders), "more than 4096 folders");
}

// A release that is swapped: what its watch tells, what is told afterwards, and what of the old one is not.
class ChangeWatchTest : public FileScanTest {
 protected:
  void watch(const std::vector<std::string>& names) {
    for (const std::string& name : names) paths.push_back(in(name));
    look();
    log.clear();
  }
  void look() {
    auto patterns = std::make_shared<const PathPatterns>(paths);
    FileScan found = scan_files(*patterns, watcher.handle());
    changes.adopt(std::move(patterns), found);
    log.push_back(difference(known, found.versions).value_or("nothing"));
    known = std::move(found.versions);
  }
  // What is found once all has been quiet; empty: nothing that may concern us has moved.
  std::string after_quiet() {
    log.clear();
    turn();
    advance(500ms);
    return log.empty()                                      ? ""
           : log.back().starts_with(folder.path().native()) ? log.back().substr(folder.path().native().size() + 1)
                                                            : log.back();
  }
  void swap_link(const std::string& target, const std::string& name) {
    fs::create_symlink(target, in("draft"));
    fs::rename(in("draft"), in(name));
  }

  std::vector<std::string> paths;
  FileVersions known;
  ChangeWatch changes{loop, watcher, {.quiet = 500ms, .most_unrest = 10s}, [this] { look(); }};
};

TEST_F(ChangeWatchTest, ASwappedReleaseIsAChangeAndTheOldOneIsNoMore) {
  folder.write("releases/1/app.py", "1");
  folder.write("releases/2/app.py", "2");
  swap_link("releases/1", "current");
  watch({"current/**/*.py"});
  swap_link("releases/2", "current");
  EXPECT_EQ(after_quiet(), "current/");
  folder.write("releases/1/app.py", "11");
  EXPECT_EQ(after_quiet(), "");
  folder.write("releases/2/lib/app.py", "22");
  EXPECT_EQ(after_quiet(), "current/lib/app.py");
}

TEST_F(ChangeWatchTest, AMountedConfigMapIsWatchedAsAFolder) {
  folder.write("etc/..1/app.json", "1");
  folder.write("etc/..2/app.json", "2");
  swap_link("..1", "etc/..data");
  fs::create_symlink("..data/app.json", in("etc/app.json"));
  watch({"etc"});
  swap_link("..2", "etc/..data");
  EXPECT_EQ(after_quiet(), "etc/app.json");
}

TEST_F(ChangeWatchTest, AFolderThatIsReplacedIsWatchedAnew) {
  folder.write("app/lib/a.py", "1");
  folder.write("next/lib/a.py", "2");
  watch({"app/lib"});
  fs::rename(in("app"), in("before"));
  fs::rename(in("next"), in("app"));
  EXPECT_EQ(after_quiet(), "app/lib/");
  folder.write("before/lib/a.py", "11");
  EXPECT_EQ(after_quiet(), "");
  folder.write("app/lib/a.py", "22");
  EXPECT_EQ(after_quiet(), "app/lib/a.py");
}

TEST_F(ChangeWatchTest, WhatIsYetToComeIsSeenComing) {
  watch({"a/b/c.py"});
  fs::create_directory(in("a"));
  EXPECT_EQ(after_quiet(), "nothing");
  fs::create_directory(in("a/b"));
  folder.write("a/b/c.py", "1");
  EXPECT_EQ(after_quiet(), "a/b/c.py");
}

TEST_F(ChangeWatchTest, AnEditorsOwnFilesAreNoChange) {
  folder.write("lib/a.py", "1");
  watch({"lib"});
  folder.write("lib/.a.py.swp", "1");
  folder.write("lib/4913", "");
  folder.write("lib/app.log", "1");
  EXPECT_EQ(after_quiet(), "");
  fs::rename(in("lib/a.py"), in("lib/a.py~"));
  folder.write("lib/a.py", "2");
  EXPECT_EQ(after_quiet(), "lib/a.py");
}

TEST_F(ChangeWatchTest, ADeploymentThatNeverRestsIsLookedAtInTheEnd) {
  folder.write("lib/a.py", "1");
  watch({"lib"});
  for (int i = 0; i < 99; ++i) {
    folder.write("lib/a.py", std::string(static_cast<std::size_t>(i), 'x'));
    turn();
    advance(100ms);
    EXPECT_TRUE(log.empty()) << i;
  }
  folder.write("lib/a.py", "last");
  turn();
  advance(200ms);
  EXPECT_EQ(log.size(), 1U);
}

}  // namespace
}  // namespace gatehouse
