#include "proxy/apps/files/app_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <deque>
#include <string_view>
#include <utility>

namespace gatehouse {

namespace {

constexpr int kMostLinks = 40;  // as the system allows
constexpr int kFolderToList = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC;
constexpr int kAlways = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

// Without the links of /proc that lead to what this process has open: they know no rights of folders.
Fd open_as_user(int folder, const char* name, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_NO_MAGICLINKS;
  return Fd(static_cast<int>(::syscall(SYS_openat2, folder, name, &how, sizeof how)));
}

using Parts = std::deque<std::string>;

void add_parts(std::string_view path, Parts& before) {
  Parts parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0 && path.substr(0, end) != ".") parts.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  before.insert(before.begin(), parts.begin(), parts.end());
}

enum class Rule : std::uint8_t { kRootAlone, kRootAndAGroup, kAnybody };

// Who may put something into a folder. A group that the user is not in may be trusted with files, not with links.
Rule who_rules(const struct stat& folder, const UserIdentity& user) {
  const bool others = (folder.st_uid != 0 && folder.st_uid != ::geteuid()) || folder.st_uid == user.uid ||
                      (folder.st_mode & S_IWOTH) != 0;
  if (others) return Rule::kAnybody;
  if ((folder.st_mode & S_IWGRP) == 0) return Rule::kRootAlone;
  const bool member = folder.st_gid == user.gid || std::ranges::contains(user.groups, folder.st_gid);
  return member ? Rule::kAnybody : Rule::kRootAndAGroup;
}

std::optional<std::string> link_text(int link) {
  std::string text(PATH_MAX, '\0');
  const ssize_t length = ::readlinkat(link, "", text.data(), text.size());
  if (length <= 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(length));
  return text;
}

Fd root_folder() {
  return Fd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

// How far a path leads by root's word alone: the last folder that it does, who rules that, and the names that are left.
struct Walk {
  Fd at;
  Rule rule = Rule::kRootAlone;
  Parts rest;

  bool enter(Fd folder, const UserIdentity& user) {
    struct stat status{};
    if (!folder || ::fstat(folder.get(), &status) != 0) return false;
    at = std::move(folder);
    rule = who_rules(status, user);
    return rule != Rule::kAnybody;
  }
};

// One name after the other, and never through a link unread: a link in a folder that root alone rules is root's word.
Walk walk(const std::string& path, const UserIdentity& user) {
  Walk walk;
  add_parts(path, walk.rest);
  bool on = walk.enter(root_folder(), user);
  for (int links = 0; on && !walk.rest.empty();) {
    Fd next(::openat(walk.at.get(), walk.rest.front().c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status{};
    if (!next || ::fstat(next.get(), &status) != 0) break;
    if (S_ISLNK(status.st_mode)) {
      const std::optional<std::string> text = link_text(next.get());
      if (walk.rule != Rule::kRootAlone || !text || ++links > kMostLinks) {
        walk.rule = Rule::kAnybody;
        break;
      }
      walk.rest.pop_front();
      add_parts(*text, walk.rest);
      if (text->starts_with('/')) on = walk.enter(root_folder(), user);
    } else if (S_ISDIR(status.st_mode)) {
      walk.rest.pop_front();
      on = walk.enter(std::move(next), user);
    } else {
      break;
    }
  }
  return walk;
}

// Where there is nobody to guard against.
Walk plain_way(const std::string& path) {
  Walk way{.at = root_folder()};
  add_parts(path, way.rest);
  return way;
}

std::string joined(const Parts& parts) {
  std::string path;
  for (const std::string& part : parts) path.append(path.empty() ? "" : "/").append(part);
  return path.empty() ? "." : path;
}

AppFile::Kind kind_of(int file) {
  struct stat status{};
  if (file < 0 || ::fstat(file, &status) != 0) return AppFile::Kind::kAbsent;
  return S_ISREG(status.st_mode) ? AppFile::Kind::kRegular : AppFile::Kind::kOther;
}

}  // namespace

Result<std::optional<AsUser>> act_as(const AppUser& user) {
  if (!user) return std::nullopt;
  Result<AsUser> taken = AsUser::take(*user);
  if (!taken) return std::unexpected(std::move(taken).error());
  return std::optional<AsUser>(*std::move(taken));
}

Result<AppFile> AppFile::find(const std::string& path, const AppUser& user) {
  AppFile app_file;
  app_file.path_ = path;
  app_file.guarded_ = user.has_value();
  Walk way = user ? walk(path, *user) : plain_way(path);
  if (user) {
    if (way.rule != Rule::kAnybody && way.rest.size() == 1) {
      app_file.folder_ = std::move(way.at);
      app_file.name_ = way.rest.front();
      app_file.shared_ = way.rule == Rule::kRootAndAGroup;
      return app_file;
    }
    app_file.user_ = user;
  }
  if (way.rest.empty()) return failure(path + " is a folder", EISDIR);
  app_file.name_ = std::move(way.rest.back());
  way.rest.pop_back();
  const Result<std::optional<AsUser>> acting = act_as(app_file.user_);
  if (!acting) return std::unexpected(acting.error());
  const std::string folder = joined(way.rest);
  constexpr int kFolder = O_PATH | O_DIRECTORY | O_CLOEXEC;
  app_file.folder_ = user ? open_as_user(way.at.get(), folder.c_str(), kFolder, 0)
                          : Fd(::openat(way.at.get(), folder.c_str(), kFolder));
  if (!app_file.folder_) return system_failure("cannot reach the folder of " + app_file.for_people(), errno);
  return app_file;
}

std::string AppFile::for_people() const {
  return user_ ? path_ + " (as the user " + user_->name + ")" : path_;
}

Fd AppFile::opened(int flags, mode_t mode) const {
  if (user_) return open_as_user(folder_.get(), name_.c_str(), flags, mode);
  const int no_link = shared_ ? O_NOFOLLOW : 0;
  return Fd(::openat(folder_.get(), name_.c_str(), flags | no_link | O_CLOEXEC, mode));
}

Result<Fd> AppFile::open(int flags, mode_t mode) const {
  const Result<std::optional<AsUser>> acting = act_as(user_);
  if (!acting) return std::unexpected(acting.error());
  Fd file = opened(flags | kAlways, mode);
  if (!file) return system_failure("cannot open " + for_people(), errno);
  struct stat status{};
  struct statfs system{};
  if (::fstat(file.get(), &status) != 0 || ::fstatfs(file.get(), &system) != 0) {
    return system_failure("cannot look at " + for_people(), errno);
  }
  const bool reads = (flags & O_ACCMODE) == O_RDONLY;
  if ((guarded_ || reads) && !S_ISREG(status.st_mode)) return failure(for_people() + " is no regular file", EINVAL);
  if (user_ && system.f_type == PROC_SUPER_MAGIC) return failure(for_people() + " is a file of /proc", EINVAL);
  if (shared_ && status.st_nlink > 1) return failure(for_people() + " has another name somewhere", EMLINK);
  return file;
}

Result<std::string> AppFile::read(std::size_t most, Excess excess) const {
  const Result<Fd> file = open(O_RDONLY);
  if (!file) return std::unexpected(file.error());
  std::string text(most + 1, '\0');
  std::size_t used = 0;
  while (used < text.size()) {
    const ssize_t got = ::read(file->get(), text.data() + used, text.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure("cannot read " + for_people(), errno);
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  if (used > most && excess == Excess::kFails) return failure(for_people() + " is too large", EFBIG);
  text.resize(std::min(used, most));
  return text;
}

AppFile::Kind AppFile::kind() const {
  const Result<std::optional<AsUser>> acting = act_as(user_);
  return acting ? kind_of(opened(O_PATH, 0).get()) : Kind::kAbsent;
}

AppFile::Kind AppFile::kind_without_link() const {
  const Result<std::optional<AsUser>> acting = act_as(user_);
  return acting ? kind_of(opened(O_PATH | O_NOFOLLOW, 0).get()) : Kind::kAbsent;
}

bool AppFile::rename(const std::string& from, const std::string& to) const {
  const Result<std::optional<AsUser>> acting = act_as(user_);
  return acting && ::renameat(folder_.get(), (name_ + from).c_str(), folder_.get(), (name_ + to).c_str()) == 0;
}

bool AppFile::make_folder() const {
  constexpr mode_t kFolderMode = 0755;
  const Result<std::optional<AsUser>> acting = act_as(user_);
  return acting && ::mkdirat(folder_.get(), name_.c_str(), kFolderMode) == 0;
}

Result<OpenedFolder> open_folder(const std::string& path, const AppUser& user) {
  const Walk way = user ? walk(path, *user) : plain_way(path);
  const bool ours = !user || (way.rule != Rule::kAnybody && way.rest.empty());
  OpenedFolder opened{.as = ours ? AppUser() : user};
  const Result<std::optional<AsUser>> acting = act_as(opened.as);
  if (!acting) return std::unexpected(acting.error());
  const std::string rest = joined(way.rest);
  opened.fd = opened.as ? open_as_user(way.at.get(), rest.c_str(), kFolderToList, 0)
                        : Fd(::openat(way.at.get(), rest.c_str(), kFolderToList));
  if (!opened.fd) return system_failure("cannot open the folder " + path, errno);
  return opened;
}

ChooseRights scan_rights(const AppUser& user) {
  if (!user) return {};
  return
      [user = *user](ScanStep step, const struct stat& folder, const ScanRights& so_far) -> std::optional<ScanRights> {
        const Rule rule = so_far ? Rule::kAnybody : who_rules(folder, user);
        const bool roots = rule == Rule::kRootAlone || (rule == Rule::kRootAndAGroup && step == ScanStep::kEnterFolder);
        if (so_far || roots) return so_far;
        Result<AsUser> taken = AsUser::take(user);
        if (!taken) return std::nullopt;
        return std::make_shared<AsUser>(*std::move(taken));
      };
}

}  // namespace gatehouse
