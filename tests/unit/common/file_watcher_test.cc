// Who holds a watch of a folder, and for how long.
#include "common/file_watcher.h"

#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

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
  ASSERT_TRUE(interest.add_folder(folder.path().native()));
  ASSERT_TRUE(interest.add_folder(folder.path().native()));
  const Fd open(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::optional<FileWatcher::Held> held = watcher.handle().hold(open.get(), folder.path().native());
  ASSERT_TRUE(held);
  interest.adopt(*std::move(held));
  held.reset();
  EXPECT_EQ(watches(), before + 1);
  interest.clear();
  EXPECT_EQ(watches(), before);
}

}  // namespace
}  // namespace gatehouse
