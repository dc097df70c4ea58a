// Who holds a watch of a folder, and for how long.
#include "common/watch/file_watcher.h"

#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "common/fd.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

// The inotify watches that this process has, as the kernel counts them (proc(5)).
int watches() {
  int count = 0;
  for (const auto& descriptor : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream lines(descriptor.path());
    for (std::string line; std::getline(lines, line);) count += line.starts_with("inotify ") ? 1 : 0;
  }
  return count;
}

TEST(FileWatcherTest, AFolderThatIsHeldTwiceIsLetGoOfWithItsInterest) {
  EventLoop loop;
  const testing_support::TemporaryFolder folder;
  FileWatcher watcher(loop);
  FileWatcher::Interest interest(watcher, [](const std::string&) {});
  const int before = watches();
  const Fd open(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto hold = [&] { return watcher.handle().hold(open.get(), folder.path().native()).value(); };
  interest.adopt(hold());
  interest.adopt(hold());
  EXPECT_EQ(watches(), before + 1);
  std::vector<FileWatcher::Held> again;
  again.push_back(hold());
  interest.replace(std::move(again));
  EXPECT_EQ(watches(), before + 1);
  interest.clear();
  EXPECT_EQ(watches(), before);
}

// One watch of the system's, several paths and owners; and an owner that is late hears of it as well.
TEST(FileWatcherTest, AFolderWithSeveralPathsIsToldOfByEachToWhoeverHoldsIt) {
  EventLoop loop;
  const testing_support::TemporaryFolder folder;
  FileWatcher watcher(loop);
  std::vector<std::string> told;
  FileWatcher::Interest interest(watcher, [&](const std::string& path) { told.push_back(path); });
  FileWatcher::Interest late(watcher, [&](const std::string& path) { told.push_back("late " + path); });
  const Fd open(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto hold = [&](const char* path) { return watcher.handle().hold(open.get(), path).value(); };
  FileWatcher::Held held = hold("/late");
  interest.adopt(hold("/one"));
  interest.adopt(hold("/other"));
  std::filesystem::create_directory(folder.path() / "f");
  loop.turn(EventLoop::Wait::kNever);
  EXPECT_EQ(told, (std::vector<std::string>{"/one/f/", "/other/f/"}));
  late.adopt(std::move(held));
  EXPECT_EQ(told.back(), "late /late/f/");
}

}  // namespace
}  // namespace gatehouse
