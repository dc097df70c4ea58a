#include "proxy/files/opened_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <format>

namespace gatehouse {

namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;
constexpr long kXfsMagic = 0x58465342;
constexpr long kZfsMagic = 0x2fc12fc1;
constexpr long kBcachefsMagic = static_cast<long>(0xca451a4e);

// Where a look at the cache is all that a look-up does: no server is asked.
constexpr auto kLocal = std::to_array<long>({EXT4_SUPER_MAGIC, kXfsMagic, BTRFS_SUPER_MAGIC, TMPFS_MAGIC,
                                             F2FS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, kZfsMagic, kBcachefsMagic,
                                             SQUASHFS_MAGIC, EROFS_SUPER_MAGIC_V1, RAMFS_MAGIC});

std::unexpected<OpenFailure> why(int error, Wait wait) {
  using Kind = OpenFailure::Kind;
  const auto kind = [&] {
    switch (error) {
      case ENOENT:
      case ENOTDIR:
      case ENAMETOOLONG:
      case ELOOP:
        return Kind::kMissing;
      case ENXIO:  // a socket, or a device that is not there
        return Kind::kNotRegular;
      case EACCES:
      case EPERM:
        return Kind::kDenied;
      case EXDEV:
        // Without a wait it may be no more than another file system.
        return wait == Wait::kNever ? Kind::kNotCached : Kind::kMissing;
      case EAGAIN:
      case EINVAL:  // a kernel that cannot say what is cached
      case ENOSYS:
        return wait == Wait::kNever ? Kind::kNotCached : Kind::kFailed;
      default:
        return Kind::kFailed;
    }
  }();
  return std::unexpected(OpenFailure{.kind = kind, .error = error});
}

std::expected<Fd, OpenFailure> open_at(int folder, const std::string& name, const open_how& wanted, Wait wait) {
  open_how how = wanted;
  how.flags |= O_CLOEXEC;
  if (wait == Wait::kNever) how.resolve |= RESOLVE_CACHED;
  // EAGAIN: the tree has changed during a look-up that must not leave it.
  for (int tries = 0; tries < 16; ++tries) {
    Fd fd(static_cast<int>(::syscall(SYS_openat2, folder, name.empty() ? "." : name.c_str(), &how, sizeof how)));
    if (fd) return fd;
    if (errno != EINTR && (errno != EAGAIN || wait == Wait::kNever)) break;
  }
  return why(errno, wait);
}

// Of what has been opened the kernel has all this at hand; a server of its file system is not asked.
std::expected<struct statx, OpenFailure> status_of(int fd, Wait wait) {
  struct statx status{};
  const int sync = wait == Wait::kNever ? AT_STATX_DONT_SYNC : AT_STATX_SYNC_AS_STAT;
  if (::statx(fd, "", AT_EMPTY_PATH | sync, STATX_TYPE | STATX_SIZE | STATX_MTIME, &status) != 0) {
    return why(errno, wait);
  }
  return status;
}

// Never 0.
std::uint64_t device_of(const struct statx& status) {
  return (std::uint64_t{status.stx_dev_major} << 32U | status.stx_dev_minor) + 1;
}

}  // namespace

WallTime OpenedFile::modified() const {
  const std::int64_t seconds = modified_ns / kNanoseconds - (modified_ns % kNanoseconds < 0 ? 1 : 0);
  return WallTime(std::chrono::seconds(seconds));
}

std::string OpenedFile::etag(std::string_view coding) const {
  return std::format("\"{:x}-{:x}{}{}\"", static_cast<std::uint64_t>(modified_ns), size, coding.empty() ? "" : "-",
                     coding);
}

std::expected<ServedFolder, OpenFailure> ServedFolder::open(const std::string& path, std::atomic<std::uint64_t>& local,
                                                            Wait wait) {
  const std::uint64_t known = local.load(std::memory_order_relaxed);
  if (wait == Wait::kNever && known == 0) return why(EAGAIN, wait);
  auto folder = open_at(AT_FDCWD, path, {.flags = O_PATH | O_DIRECTORY, .mode = 0, .resolve = 0}, wait);
  if (!folder) return std::unexpected(folder.error());
  const auto status = status_of(folder->get(), wait);
  if (!status) return std::unexpected(status.error());
  const std::uint64_t device = device_of(*status);
  if (wait == Wait::kNever) {
    if (device != known) return why(EAGAIN, wait);
  } else if (device != known) {
    struct statfs system{};
    const bool is_local = ::fstatfs(folder->get(), &system) == 0 && std::ranges::contains(kLocal, system.f_type);
    local.store(is_local ? device : 0, std::memory_order_relaxed);
  }
  return ServedFolder(*std::move(folder), wait);
}

std::expected<Fd, OpenFailure> ServedFolder::opened(const std::string& name, int flags, Links links) const {
  open_how how{.flags = static_cast<std::uint64_t>(flags), .mode = 0, .resolve = RESOLVE_NO_MAGICLINKS};
  if (links == Links::kNone) how.resolve |= RESOLVE_NO_SYMLINKS;
  if (links != Links::kAny) how.resolve |= RESOLVE_BENEATH;
  if (wait_ == Wait::kNever) how.resolve |= RESOLVE_NO_XDEV;
  return open_at(fd_.get(), name, how, wait_);
}

std::expected<OpenedFile, OpenFailure> ServedFolder::file(const std::string& name, Links links) const {
  auto fd = opened(name, O_RDONLY | O_NONBLOCK | O_NOCTTY, links);
  if (!fd) return std::unexpected(fd.error());
  const auto status = status_of(fd->get(), wait_);
  if (!status) return std::unexpected(status.error());
  if (!S_ISREG(status->stx_mode)) return std::unexpected(OpenFailure{.kind = OpenFailure::Kind::kNotRegular});
  return OpenedFile{.fd = *std::move(fd),
                    .size = status->stx_size,
                    .modified_ns = status->stx_mtime.tv_sec * kNanoseconds + status->stx_mtime.tv_nsec};
}

std::expected<void, OpenFailure> ServedFolder::look_for_folder(const std::string& name, Links links) const {
  const auto fd = opened(name, O_PATH | O_DIRECTORY, links);
  if (!fd) return std::unexpected(fd.error());
  return {};
}

}  // namespace gatehouse
