#include "common/watch/file_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <format>
#include <span>
#include <string_view>

#include "common/fd.h"

namespace gatehouse {

namespace {

constexpr int kMostLinks = 40;  // as the system allows

using Rest = std::span<const std::string>;

// A folder with the rights that it is used with, and the path by which changes in it are told: "" is the root.
struct Folder {
  Fd fd;
  ScanRights rights;
  std::string path;
};

// What a name has led to; no link.
struct Entry {
  Fd fd;
  ScanRights rights;
  struct stat status{};
};

bool is_folder(const struct stat& status) {
  return S_ISDIR(status.st_mode);
}

std::string link_text(const Fd& link) {
  std::string text(PATH_MAX, '\0');
  const ssize_t length = ::readlinkat(link.get(), "", text.data(), text.size());
  text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return text;
}

class Scanner {
 public:
  Scanner(const PathPatterns& patterns, const FileWatcher::Handle& watcher, ChooseRights rights,
          const FileScan::Most& most)
      : patterns_(patterns), watcher_(watcher), choose_(std::move(rights)), most_(most) {}

  FileScan scan() {
    for (const PathPatterns::Parts& parts : patterns_.all()) {
      if (std::optional<Folder> root = root_folder({})) walk(*root, parts, Kind::kExact);
    }
    std::ranges::sort(found_.versions, {}, [](const auto& one) -> const std::string& { return one.first; });
    const auto again =
        std::ranges::unique(found_.versions, {}, [](const auto& one) -> const std::string& { return one.first; });
    found_.versions.erase(again.begin(), again.end());
    return std::move(found_);
  }

 private:
  // Whether the parts so far are names, or one of them is a pattern.
  enum class Kind : std::uint8_t { kExact, kWild };

  std::optional<ScanRights> rights_for(ScanStep step, const struct stat& folder, const ScanRights& so_far) {
    return choose_ ? choose_(step, folder, so_far) : so_far;
  }

  // The name itself, if it is a link.
  std::optional<Entry> entry_at(int folder, const std::string& name, const ScanRights& rights) {
    Entry entry{.fd = Fd(::openat(folder, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)), .rights = rights};
    if (entry.fd && ::fstat(entry.fd.get(), &entry.status) == 0) return entry;
    note_error(errno);
    return std::nullopt;
  }

  void note_error(int error) {
    if (error == EMFILE || error == ENFILE || error == ENOMEM) found_.whole = false;
  }

  std::optional<Folder> root_folder(const ScanRights& so_far) {
    std::optional<Entry> root = entry_at(AT_FDCWD, "/", so_far);
    return root ? entered(*std::move(root), "") : std::nullopt;
  }

  std::optional<Folder> entered(Entry entry, std::string path) {
    if (!is_folder(entry.status)) return std::nullopt;
    std::optional<ScanRights> rights = rights_for(ScanStep::kEnterFolder, entry.status, entry.rights);
    if (!rights) return std::nullopt;
    return Folder{.fd = std::move(entry.fd), .rights = *std::move(rights), .path = std::move(path)};
  }

  // Once for each path by which it is reached.
  void watch(const Folder& folder) {
    if (!watched_.insert(folder.path).second) return;
    Result<FileWatcher::Held> held = watcher_.hold(folder.fd.get(), folder.path);
    if (held) {
      found_.folders.push_back(*std::move(held));
    } else if (held.error().code == ENOSPC) {
      found_.limit = FileScan::Limit::kWatches;
    }
  }

  // What `name` leads to, over however many links. All that it passes is watched.
  std::optional<Entry> resolve(const Folder& in, const std::string& name) {
    links_ = 0;
    return lead(in, name);
  }

  std::optional<Entry> lead(const Folder& in, const std::string& name) {
    if (name != "..") {
      watch(in);
      found_.way.insert(in.path + "/" + name);
    }
    std::optional<Entry> entry = entry_at(in.fd.get(), name, in.rights);
    if (!entry || !S_ISLNK(entry->status.st_mode)) return entry;
    return ++links_ <= kMostLinks ? follow(in, link_text(entry->fd)) : std::nullopt;
  }

  std::optional<Entry> follow(const Folder& in, const std::string& text) {
    const std::optional<Entry> here = entry_at(in.fd.get(), ".", in.rights);
    const std::optional<ScanRights> rights =
        here ? rights_for(ScanStep::kFollowLink, here->status, in.rights) : std::nullopt;
    if (!rights || text.empty()) return std::nullopt;
    const bool from_root = text.front() == '/';
    std::optional<Entry> at = entry_at(in.fd.get(), from_root ? "/" : ".", *rights);
    std::string path = from_root ? std::string() : in.path;
    for (const std::string& name : PathPatterns::parts_of(text)) {
      std::optional<Folder> folder = at ? entered(*std::move(at), path) : std::nullopt;
      if (!folder) return std::nullopt;
      at = lead(*folder, name);
      path = folder->path + "/" + name;
    }
    return at;
  }

  void walk(const Folder& at, Rest rest, Kind kind) {
    if (rest.empty()) return;
    const std::string& part = rest.front();
    const bool wild = PathPatterns::is_wild(part);
    if (wild && kind == Kind::kExact) note_folder(at);
    if (part == PathPatterns::kAnyFolders) return walk_below(at, rest.subspan(1), 0);
    if (!wild) return step(at, part, rest.subspan(1), kind);
    for (const std::string& name : listed(at)) {
      if (full()) return;
      if (PathPatterns::matches(part, name)) step(at, name, rest.subspan(1), Kind::kWild);
    }
  }

  void step(const Folder& at, const std::string& name, Rest rest, Kind kind) {
    std::optional<Entry> entry = resolve(at, name);
    const std::string path = at.path + "/" + name;
    if (!entry) return;
    if (!is_folder(entry->status)) {
      if (rest.empty()) note_file(path, entry->status);
      return;
    }
    if (rest.empty() && kind == Kind::kWild) return;
    const std::optional<Folder> folder = entered(*std::move(entry), path);
    if (!folder) return;
    if (!rest.empty()) return walk(*folder, rest, kind);
    note_folder(*folder);
    take_tree(*folder, 0);
  }

  // `rest` in this folder and in all below it.
  void walk_below(const Folder& at, Rest rest, int depth) {
    if (rest.empty()) return take_tree(at, depth);
    walk(at, rest, Kind::kWild);
    if (depth == most_.depth) return;
    for (const std::string& name : listed(at)) {
      if (full()) return;
      if (!PathPatterns::matters(name)) continue;
      if (const std::optional<Folder> below = folder_in(at, name)) walk_below(*below, rest, depth + 1);
    }
  }

  // All that matters in a folder and, unless it is the deepest, in those below it.
  void take_tree(const Folder& at, int depth) {
    for (const std::string& name : listed(at)) {
      if (full()) return;
      if (!PathPatterns::matters(name)) continue;
      struct stat status{};
      if (::fstatat(at.fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
      const std::string path = at.path + "/" + name;
      if (S_ISREG(status.st_mode)) note_file(path, status);
      if (S_ISLNK(status.st_mode)) take_link(at, name, depth);
      if (!is_folder(status) || depth == most_.depth) continue;
      if (const std::optional<Folder> below = folder_in(at, name)) take_tree(*below, depth + 1);
    }
  }

  void take_link(const Folder& at, const std::string& name, int depth) {
    std::optional<Entry> entry = resolve(at, name);
    const std::string path = at.path + "/" + name;
    if (!entry) return;
    if (!is_folder(entry->status)) return note_file(path, entry->status);
    const std::optional<Folder> folder = entered(*std::move(entry), path);
    if (folder && depth < most_.depth) take_tree(*folder, most_.depth);
  }

  std::optional<Folder> folder_in(const Folder& at, const std::string& name) {
    std::optional<Entry> entry = entry_at(at.fd.get(), name, at.rights);
    return entry ? entered(*std::move(entry), at.path + "/" + name) : std::nullopt;
  }

  std::vector<std::string> listed(const Folder& folder) {
    if (found_.folders.size() >= most_.folders) {
      found_.limit = FileScan::Limit::kFolders;
      return {};
    }
    watch(folder);
    using Listing = std::unique_ptr<DIR, decltype([](DIR* open) { ::closedir(open); })>;
    Fd readable(::openat(folder.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC));
    const Listing listing(readable ? ::fdopendir(readable.get()) : nullptr);
    if (!listing) {
      note_error(errno);
      return {};
    }
    (void)readable.release();
    std::vector<std::string> names;
    while (const dirent* const entry = ::readdir(listing.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    std::ranges::sort(names);  // the same ones are taken where there are too many
    return names;
  }

  bool full() const { return found_.limit == FileScan::Limit::kFolders || found_.limit == FileScan::Limit::kFiles; }

  void note_folder(const Folder& folder) {
    struct stat status{};
    if (::fstat(folder.fd.get(), &status) != 0) return;
    found_.versions.emplace_back(folder.path + "/", FileVersion{.device = status.st_dev, .inode = status.st_ino});
  }

  void note_file(const std::string& path, const struct stat& status) {
    if (!S_ISREG(status.st_mode) || patterns_.is_never(path)) return;
    if (found_.versions.size() >= most_.files) {
      found_.limit = FileScan::Limit::kFiles;
      return;
    }
    FileVersion version = FileVersion::of(status);
    version.changed = 0;  // rights, names and links of a file are not what is in it
    found_.versions.emplace_back(path, version);
  }

  const PathPatterns& patterns_;
  const FileWatcher::Handle& watcher_;
  ChooseRights choose_;
  const FileScan::Most most_;
  std::set<std::string> watched_;
  // Followed for the name that is being resolved.
  int links_ = 0;
  FileScan found_;
};

}  // namespace

std::optional<std::string> difference(const FileVersions& before, const FileVersions& now) {
  const auto [one, other] = std::ranges::mismatch(before, now);
  if (one == before.end() && other == now.end()) return std::nullopt;
  if (one == before.end()) return other->first;
  return other == now.end() ? one->first : std::min(one->first, other->first);
}

std::string for_people(FileScan::Limit limit, const FileScan::Most& most) {
  switch (limit) {
    case FileScan::Limit::kNone:
      return {};
    case FileScan::Limit::kFolders:
      return std::format("more than {} folders", most.folders);
    case FileScan::Limit::kFiles:
      return std::format("more than {} files", most.files);
    case FileScan::Limit::kWatches:
      return "more folders than the system lets a user watch (fs.inotify.max_user_watches)";
  }
  return {};
}

FileScan scan_files(const PathPatterns& patterns, const FileWatcher::Handle& watcher, ChooseRights rights,
                    const FileScan::Most& most) {
  return Scanner(patterns, watcher, std::move(rights), most).scan();
}

}  // namespace gatehouse
