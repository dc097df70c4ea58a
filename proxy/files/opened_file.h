// Files that are sent to clients, opened for reading: below a folder, without a wait where the kernel has all that it
// takes in its cache, and never as anything but a regular file. Values; what may wait is not for a loop's thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "common/clock.h"
#include "common/fd.h"

namespace gatehouse {

struct OpenedFile {
  Fd fd;
  std::uint64_t size = 0;
  // In nanoseconds since 1970.
  std::int64_t modified_ns = 0;

  // As Last-Modified says it, in whole seconds.
  WallTime modified() const;
  // A strong validator: it changes with every change that the file system tells of. `coding` ("", "br") tells
  // representations apart.
  std::string etag(std::string_view coding) const;
};

enum class Wait : std::uint8_t {
  // On a loop: kNotCached rather than wait for anything. Only of file systems that are known to be of this machine.
  kNever,
  kMayWait,
};

// Why a name has no file to send.
struct OpenFailure {
  enum class Kind : std::uint8_t {
    // Not there, or not to be seen from here: it leads out of the folder, or through a link that is not followed.
    kMissing,
    // A folder, a device, a pipe.
    kNotRegular,
    // Our rights, or the user's, do not suffice.
    kDenied,
    kNotCached,
    // Anything else, as `error` says.
    kFailed,
  };
  Kind kind = Kind::kMissing;
  int error = 0;
};

// Which links are followed below a folder.
enum class Links : std::uint8_t {
  kNone,
  // Those that stay below the folder.
  kBelow,
  // Wherever they lead.
  kAny,
};

// A folder, for the time of one look-up. Its name is resolved anew each time, so that a link that is put in its place
// counts at once.
class ServedFolder {
 public:
  // `local`: the device of the folder where it is known to be on a file system of this machine, else 0; shared by all who
  // look there, and set by those that may wait.
  static std::expected<ServedFolder, OpenFailure> open(const std::string& path, std::atomic<std::uint64_t>& local,
                                                       Wait wait);

  // `name` is relative; "" is the folder itself.
  std::expected<OpenedFile, OpenFailure> file(const std::string& name, Links links) const;
  // Whether `name` is a folder below this one; or why not.
  std::expected<void, OpenFailure> look_for_folder(const std::string& name, Links links) const;

 private:
  ServedFolder(Fd fd, Wait wait) : fd_(std::move(fd)), wait_(wait) {}
  std::expected<Fd, OpenFailure> opened(const std::string& name, int flags, Links links) const;

  Fd fd_;
  Wait wait_;
};

}  // namespace gatehouse
