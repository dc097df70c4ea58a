// Where a file of an app is, and as whom it is reached: as us as far as every folder and link of its path is root's
// alone (/etc/shop.env, or a secret that only root can read could not be given to an app), and from the first folder on
// that the app's user could change, with that user's rights. A link is then followed to where the user could follow it,
// and no further. Never waits for a file to open. A value; not for a loop's thread, because a disk may not answer.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "common/fd.h"
#include "common/result.h"
#include "proxy/apps/files/as_user.h"
#include "proxy/system/user_identity.h"

namespace gatehouse {

class AppFile {
 public:
  enum class Kind : std::uint8_t { kAbsent, kRegular, kOther };

  // Finds the folder of `path`, an absolute one, and holds it: whatever is done afterwards is done there, even if
  // another folder has taken its name meanwhile. Without a user there is nobody to guard against, and the path is taken
  // as it is.
  static Result<AppFile> find(const std::string& path, const AppUser& user);

  // `flags` as of open(2); makes files with `mode`. Where there is a user to guard against, and wherever the file is to
  // be read, it fails for anything but a regular file, and for files of /proc, which show this process where they
  // should show the user's.
  Result<Fd> open(int flags, mode_t mode = 0) const;
  // What is in it, as far as `most` bytes; whether more of it is a failure.
  enum class Excess : std::uint8_t { kFails, kIsCut };
  Result<std::string> read(std::size_t most, Excess excess) const;
  Kind kind() const;               // of what opens: links are followed
  Kind kind_without_link() const;  // of the name itself
  // Renames the file with the ending `from` to the one with the ending `to`; "" is the file itself.
  bool rename(const std::string& from, const std::string& to) const;

 private:
  AppFile() = default;
  std::string for_people() const;
  Fd opened(int flags, mode_t mode) const;

  std::string path_;  // for people
  Fd folder_;
  std::string name_;
  AppUser user_;          // as whom
  bool guarded_ = false;  // there is a user, even if it is not needed
  bool shared_ = false;   // others may put files there: no links, no second names
};

// What everything else that follows a user's paths stands on: nothing where there is no such user.
Result<std::optional<AsUser>> act_as(const AppUser& user);

// Opens a folder to watch or to list it. `as` is who did, and who shall go on: the user, or nobody but us.
struct OpenedFolder {
  Fd fd;
  AppUser as;
};
Result<OpenedFolder> open_folder(const std::string& path, const AppUser& user);
// Opens a folder in one that was opened so; one that is a link only for a user.
Fd open_folder_in(int folder, const char* name, const AppUser& as);  // REQUIRES: acts as `as`

}  // namespace gatehouse
