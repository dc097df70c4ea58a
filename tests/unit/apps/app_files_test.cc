// With whose rights files of apps are reached. What needs two users needs root; the rest does not.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/apps/environment.h"
#include "proxy/apps/files/app_file.h"
#include "proxy/apps/files/file_thread.h"
#include "proxy/apps/files/offline_page.h"
#include "proxy/apps/files/output_file.h"
#include "proxy/apps/files/rotating_file.h"
#include "proxy/apps/watched_folders.h"
#include "tests/support/app_testing.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;
using testing_support::contents_of;

constexpr const char* kSecret = "only root reads this";

// A folder of root's with a secret in it, and in that one a folder of the app's user, who is "nobody".
class AppFilesTest : public testing_support::RealLoopTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    const Result<AppUser> found = identity_to_take("nobody");
    ASSERT_TRUE(found && *found);
    user = *found;
    ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
    secret = folder.write("secret", kSecret);
    fs::create_directory(folder.path() / "private");
    ASSERT_EQ(::chmod((folder.path() / "private").c_str(), 0700), 0);
    folder.write("private/open", kSecret);
    ASSERT_EQ(::chmod((folder.path() / "private/open").c_str(), 0644), 0);
    home = (folder.path() / "shop").native();
    fs::create_directory(home);
    give(home);
  }
  void give(const std::string& path) const { ASSERT_EQ(::lchown(path.c_str(), user->uid, user->gid), 0); }
  std::string of_user(const std::string& name, const std::string& text) {
    std::string path = folder.write("shop/" + name, text);
    give(path);
    return path;
  }
  std::string link(const std::string& name, const std::string& target) const {
    std::string path = home + "/" + name;
    EXPECT_EQ(::symlink(target.c_str(), path.c_str()), 0);
    give(path);
    return path;
  }
  // "" if it cannot be read.
  std::string read(const std::string& path) const {
    const Result<AppFile> app_file = AppFile::find(path, user);
    if (!app_file) return "";
    return app_file->read(1000, AppFile::Excess::kFails).value_or("");
  }

  testing_support::TemporaryFolder folder;  // below a folder that anybody writes in, as /tmp
  AppUser user;
  std::string secret;
  std::string home;
};

bool can_read(const std::string& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)).get() >= 0;
}

TEST_F(AppFilesTest, OneThreadActsAsTheUserAndOthersDoNot) {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  std::promise<void> acts, looked;
  std::thread acting([&] {
    {
      const Result<AsUser> as = AsUser::take(*user);
      EXPECT_TRUE(as.has_value());
      EXPECT_FALSE(can_read(secret));
      __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
      std::array<__user_cap_data_struct, 2> rights{};
      EXPECT_EQ(::syscall(SYS_capget, &header, rights.data()), 0);
      EXPECT_EQ(rights[0].effective | rights[1].effective, 0U);
      acts.set_value();
      looked.get_future().wait();
    }
    EXPECT_TRUE(can_read(secret));
    EXPECT_EQ(::setfsuid(static_cast<uid_t>(-1)), 0);
    EXPECT_EQ(::setfsgid(static_cast<gid_t>(-1)), static_cast<int>(::getegid()));
  });
  acts.get_future().wait();
  EXPECT_TRUE(can_read(secret));
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
  looked.set_value();
  acting.join();
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

TEST_F(AppFilesTest, ALinkLeadsNoFurtherThanItsUserMayGo) {
  of_user("own", "text");
  fs::create_directory(home + "/releases");
  of_user("releases/1/page", "first");
  give(home + "/releases/1");
  give(home + "/releases");
  EXPECT_EQ(read(home + "/own"), "text");
  EXPECT_EQ(read(link("release", home + "/releases/1") + "/page"), "first");
  EXPECT_EQ(read(link("relative", "releases/1/page")), "first");
  EXPECT_EQ(read(link("to_secret", secret)), "");
  EXPECT_EQ(read(link("above", "../secret")), "");
  EXPECT_EQ(read(link("to_private", (folder.path() / "private").native()) + "/open"), "");
  EXPECT_EQ(read(link("shadow", "/etc/shadow")), "");
}

TEST_F(AppFilesTest, WhatThisProcessHasOpenIsNotTheUsersToReach) {
  const Fd open(::open((folder.path() / "private/open").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(open);
  EXPECT_EQ(read(link("descriptor", "/proc/self/fd/" + std::to_string(open.get()))), "");
  EXPECT_EQ(read(link("dev", "/dev/fd/" + std::to_string(open.get()))), "");
  EXPECT_EQ(read(link("root", "/proc/self/root/etc/passwd")), "");
  for (const char* name : {"maps", "environ", "status", "auxv", "limits"}) {
    const std::string at = link(name, std::string("/proc/self/") + name);
    EXPECT_EQ(AppFile::find(at, user)->open(O_RDONLY).has_value(), false) << name;
    const std::string thread = link(std::string("thread_") + name, std::string("/proc/thread-self/") + name);
    EXPECT_EQ(AppFile::find(thread, user)->open(O_RDONLY).has_value(), false) << name;
  }
}

TEST_F(AppFilesTest, OnlyRegularFilesAreOpenedAndNobodyWaits) {
  ASSERT_EQ(::mkfifo((home + "/fifo").c_str(), 0666), 0);
  ASSERT_EQ(::chmod((home + "/fifo").c_str(), 0666), 0);
  fs::create_directory(home + "/folder");
  for (const std::string& path :
       {home + "/fifo", home + "/folder", link("null", "/dev/null"), link("zero", "/dev/zero")}) {
    const Result<AppFile> app_file = AppFile::find(path, user);
    EXPECT_FALSE(app_file && app_file->open(O_RDONLY)) << path;
    EXPECT_FALSE(app_file && app_file->open(O_WRONLY | O_APPEND)) << path;
    EXPECT_FALSE(offline_page(path, user).has_value()) << path;
  }
}

TEST_F(AppFilesTest, WhatRootAloneHasLaidOutIsReadAsRoot) {
  // Not below the temporary folder, which is in one that anybody may write in.
  std::string name = "/run/gatehouse-test-XXXXXX";
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  ASSERT_EQ(::chmod(name.c_str(), 0755), 0);
  const fs::path top_folder = name;
  const std::string env = top_folder / "shop.env";
  {
    const Fd made(::open(env.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_EQ(::write(made.get(), "A=1\n", 4), 4);
  }
  fs::create_symlink(env, top_folder / "link.env");
  EXPECT_EQ(environment_from_file(env, user).value(), (Environment{{"A", "1"}}));
  EXPECT_EQ(environment_from_file(top_folder / "link.env", user).value(), (Environment{{"A", "1"}}));
  // Its own folder in one of root's that it may not enter: root has said so.
  fs::create_directory(top_folder / "closed");
  fs::create_directory(top_folder / "closed/shop");
  ASSERT_EQ(::chmod((top_folder / "closed").c_str(), 0700), 0);
  give(top_folder / "closed/shop");
  fs::create_symlink(env, top_folder / "closed/shop/link.env");
  fs::create_symlink("../../shop.env", top_folder / "closed/shop/up.env");
  RotatingFile(top_folder / "closed/shop/log", "nobody").write_line("line");
  EXPECT_EQ(contents_of(top_folder / "closed/shop/log"), "line\n");
  EXPECT_FALSE(environment_from_file(top_folder / "closed/shop/link.env", user).has_value());
  EXPECT_FALSE(environment_from_file(top_folder / "closed/shop/up.env", user).has_value());
  // A group that the user is in may lay links; one that it is not in may keep files only.
  ASSERT_EQ(::chown(top_folder.c_str(), 0, user->gid), 0);
  ASSERT_EQ(::chmod(top_folder.c_str(), 0775), 0);
  EXPECT_FALSE(environment_from_file(env, user).has_value());
  ASSERT_EQ(::chown(top_folder.c_str(), 0, 12345), 0);
  EXPECT_TRUE(environment_from_file(env, user).has_value());
  EXPECT_FALSE(environment_from_file(top_folder / "link.env", user).has_value());
  ASSERT_EQ(::link(env.c_str(), (top_folder / "second.env").c_str()), 0);
  EXPECT_FALSE(environment_from_file(env, user).has_value());
  fs::remove_all(top_folder);
}

TEST_F(AppFilesTest, AnEnvironmentFileSaysWhyItCannotBeRead) {
  const auto reason = [&](const std::string& path) { return environment_from_file(path, user).error().message; };
  EXPECT_EQ(reason(link("env", secret)),
            "the environment file: cannot open " + home + "/env (as the user nobody): Permission denied");
  EXPECT_NE(reason(home + "/none").find("No such file"), std::string::npos);
  EXPECT_NE(reason(of_user("huge", std::string(1024 * 1024 + 1, 'x'))).find("too large"), std::string::npos);
}

TEST_F(AppFilesTest, AnOfflinePageThatItsUserCannotReadCountsAndSaysNothing) {
  const std::string path = link("app_offline.htm", secret);
  const std::optional<OfflinePage> page = offline_page(path, user);
  ASSERT_TRUE(page.has_value());
  EXPECT_EQ(page->body, "");
  EXPECT_FALSE(offline_page(link("gone.htm", home + "/no"), user).has_value());
  ASSERT_EQ(::truncate(of_user("huge.htm", "<p>").c_str(), 1L << 40), 0);
  EXPECT_EQ(offline_page(home + "/huge.htm", user)->body.size(), 1024UL * 1024);
}

TEST_F(AppFilesTest, AnOfflinePageIsFoundInAnyCase) {
  const std::string path = home + "/app_offline.htm";
  EXPECT_EQ(in_any_case(path, user), path);
  EXPECT_EQ(in_any_case(home + "/none/app_offline.htm", user), home + "/none/app_offline.htm");
  const std::string other = of_user("App_Offline.htm", "gone");
  EXPECT_EQ(in_any_case(path, user), other);
  EXPECT_EQ(in_any_case(path, {}), other);
  of_user("app_offline.htm", "gone");
  EXPECT_EQ(in_any_case(path, user), path);
}

TEST_F(AppFilesTest, NothingIsAppendedToWhatTheUserMayNotWrite) {
  fs::create_hard_link(secret, home + "/hard");
  ASSERT_EQ(::mkfifo((home + "/fifo").c_str(), 0666), 0);
  for (const std::string& path : {link("soft", secret), home + "/fifo", link("null", "/dev/null"), home}) {
    RotatingFile(path, "nobody", 100).write_line("line");
  }
  RotatingFile(home + "/hard", "nobody", 100).write_line("line");
  EXPECT_EQ(contents_of(secret), kSecret);
  RotatingFile(link("to_own", home + "/real"), "nobody").write_line("line");
  EXPECT_EQ(contents_of(home + "/real"), "line\n");
  struct stat status{};
  ASSERT_EQ(::stat((home + "/real").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, user->uid);
}

TEST_F(AppFilesTest, RotationTouchesNothingElse) {
  link("log.1", secret);
  link("log.2", secret);
  RotatingFile file(home + "/log", "nobody", 100);
  for (char c = 'a'; c <= 'd'; ++c) file.write_line(std::string(60, c));
  EXPECT_EQ(contents_of(secret), kSecret);
  EXPECT_EQ(contents_of(home + "/log.1"), std::string(60, 'c') + "\n");
  // Where it cannot be renamed it still is bounded.
  fs::create_directory(home + "/log2.1");
  give(home + "/log2.1");
  RotatingFile stuck(home + "/log2", "nobody", 100);
  for (char c = 'a'; c <= 'z'; ++c) stuck.write_line(std::string(60, c));
  EXPECT_EQ(contents_of(home + "/log2"), std::string(60, 'z') + "\n");
}

TEST_F(AppFilesTest, AFolderThatIsMissingIsMadeByItsUser) {
  RotatingFile(home + "/logs/out.log", "nobody").write_line("line");
  EXPECT_EQ(contents_of(home + "/logs/out.log"), "line\n");
  struct stat status{};
  ASSERT_EQ(::stat((home + "/logs").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, user->uid);
  // Not where a link leads to what is not its user's.
  fs::create_directory_symlink(folder.path() / "roots", home + "/elsewhere");
  RotatingFile(home + "/elsewhere/out.log", "nobody").write_line("line");
  EXPECT_FALSE(fs::exists(folder.path() / "roots"));
}

TEST_F(AppFilesTest, AFileOfRootsFromBeforeIsPutAsideAndNotLost) {
  const std::string path = folder.write("shop/log", "old\n");  // root's
  RotatingFile(path, "nobody").write_line("new");
  EXPECT_EQ(contents_of(path), "new\n");
  EXPECT_EQ(contents_of(path + ".1"), "old\n");
}

TEST_F(AppFilesTest, AFolderIsWatchedAsItsUserCouldListIt) {
  AppSpec spec;
  spec.process.user = "nobody";
  FileWatcher watcher(loop);
  const auto watched = [&](const std::string& path) {
    spec.recycle.on_change = {path};
    std::vector<std::string> found;
    for (const auto& [file, version] : watch_folders_of(spec, user, watcher.handle()).changes.versions) {
      found.push_back(file);
    }
    return found;
  };
  for (const char* const file : {"site/a.py", "site/deep/b.py", "site/__pycache__/a.pyc"}) of_user(file, "1");
  link("site/out", (folder.path() / "private").native());
  link("site/loop", home + "/site");
  const std::string site = home + "/site";
  const auto all_of = [](const std::string& root) {
    return std::vector<std::string>{root + "/", root + "/a.py", root + "/deep/b.py", root + "/loop/a.py"};
  };
  EXPECT_EQ(watched(site), all_of(site));
  EXPECT_EQ(watched(link("site2", site)), all_of(home + "/site2"));
  EXPECT_EQ(watched(link("stolen", (folder.path() / "private").native())), std::vector<std::string>{home + "/stolen/"});
}

class FileThreadTest : public testing_support::RealLoopTest {};

TEST_F(FileThreadTest, AnswersComeOnTheLoopInOrderAndOnlyToWhoStillAsks) {
  FileThread thread(loop);
  std::vector<int> outcomes;
  FileQuestion<int> one([&](int outcome) { outcomes.push_back(outcome); });
  FileQuestion<int> other([&](int outcome) { outcomes.push_back(outcome); });
  auto gone = std::make_unique<FileQuestion<int>>([&](int outcome) { outcomes.push_back(outcome); });
  one.ask(thread, [] { return 1; });
  gone->ask(thread, [] { return 2; });
  one.ask(thread, [] { return 3; });
  other.ask(thread, [] { return 4; });
  gone.reset();
  EXPECT_TRUE(one.waits());
  ASSERT_TRUE(run_until([&] { return outcomes.size() == 2; }));
  EXPECT_EQ(outcomes, (std::vector<int>{3, 4}));
  EXPECT_FALSE(one.waits());
}

TEST_F(FileThreadTest, LinesAreWrittenAwayFromTheLoopAndWhatIsTooMuchIsCounted) {
  const testing_support::TemporaryFolder folder;
  const std::string path = folder.path() / "out.log";
  std::promise<void> disk_responds;
  {
    FileThread thread(loop);
    thread.run([&] -> FileThread::Then {
      disk_responds.get_future().wait();
      return {};
    });
    OutputFile file(thread, path, "");
    file.write_line("first");
    const std::string large(1024 * 1024, 'x');
    for (int i = 0; i < 6; ++i) file.write_line(large);
    disk_responds.set_value();
    ASSERT_TRUE(
        run_until([&] { return fs::exists(path + ".1") || (fs::exists(path) && fs::file_size(path) > 3'000'000); }));
    file.write_line("last");
  }
  const std::string written = contents_of(path);
  EXPECT_TRUE(written.starts_with("first\n"));
  EXPECT_TRUE(written.ends_with("\n3 lines dropped\nlast\n")) << written.substr(written.size() - 40);
}

TEST_F(FileThreadTest, WhatChangesBeforeAFolderIsAdoptedIsTold) {
  const testing_support::TemporaryFolder folder;
  FileWatcher watcher(loop);
  std::vector<std::string> told;
  FileWatcher::Interest early(watcher, [&](const std::string& path) { told.push_back(path); });
  FileWatcher::Interest late(watcher, [&](const std::string& path) { told.push_back("late " + path); });
  const Fd open(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Result<FileWatcher::Held> held = watcher.handle().hold(open.get(), "F");
  ASSERT_TRUE(held.has_value());
  folder.write("a", "1");
  for (int i = 0; i < 3; ++i) loop.turn(EventLoop::Wait::kNever);
  early.adopt(*std::move(held));
  EXPECT_EQ(told, (std::vector<std::string>{"F/a"}));
  told.clear();
  // The same folder again is the same watch, which stays for as long as anybody holds it.
  late.adopt(*watcher.handle().hold(open.get(), "G"));
  early.clear();
  folder.write("b", "1");
  ASSERT_TRUE(run_until([&] { return std::ranges::contains(told, "late G/b"); }));
  EXPECT_FALSE(std::ranges::contains(told, "F/b"));
}

}  // namespace
}  // namespace gatehouse
