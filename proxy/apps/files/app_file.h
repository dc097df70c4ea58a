// Where a file of an app is, and as whom it is reached: as us as far as every folder and link of its path is root's
// alone (/etc/shop.env, or a secret that only root can read could not be given to an app), and from the first folder
// on that the app's user could change, with that user's rights. A link is then followed to where the user could
// follow it, and no further. Never waits for a file to open. A value; not for a loop's thread, because a disk may not
// answer.
//
//   /srv/shop/current/app.env      if /srv and /srv/shop are root's and /srv/shop/current is the user's
//   '---- as us ----''-user-'
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "common/fd.h"
#include "common/result.h"
#include "common/watch/file_scan.h"
#include "proxy/system/as_user.h"
#include "proxy/system/user_identity.h"

namespace gatehouse {

class AppFile {
 public:
  // What there is: nothing (or nothing that can be seen), a regular file, or anything else.
  enum class Kind : std::uint8_t { kAbsent, kRegular, kOther };

  // Finds the folder of `path`, an absolute one, and holds it: whatever is done afterwards is done there, even if
  // another folder has taken its name meanwhile. Without a user there is nobody to guard against, and the path is
  // taken as it is. The file itself need not be there. Fails if the folder cannot be reached or the path is one
  // without a name.
  static Result<AppFile> find(const std::string& path, const AppUser& user);

  // Opens it with `flags` as of open(2) and makes it with `mode`. Where there is a user to guard against, and
  // wherever the file is to be read, it fails for anything but a regular file. As the user it also fails for files of
  // /proc, which show this process where they should show the user's; in a folder of root's that a group may change,
  // for links and for files with a second name.
  Result<Fd> open(int flags, mode_t mode = 0) const;
  // Whether more than was asked for is a failure.
  enum class Excess : std::uint8_t { kFails, kIsCut };
  // What is in it, as far as `most` bytes. What is longer fails with EFBIG or is cut, as `excess` says.
  Result<std::string> read(std::size_t most, Excess excess) const;
  // Of what open() would open: links are followed where it follows them.
  Kind kind() const;
  // Of the name itself.
  Kind kind_without_link() const;
  // Renames the file with the ending `from` to the one with the ending `to`, which it replaces; "" is the file
  // itself. Returns false if that cannot be done.
  bool rename(const std::string& from, const std::string& to) const;
  // Makes a folder of that name (0755). Returns false if that cannot be done.
  bool make_folder() const;

 private:
  AppFile() = default;
  std::string for_people() const;
  Fd opened(int flags, mode_t mode) const;

  // As it was given, for people.
  std::string path_;
  // Held open, and the name of the file in it.
  Fd folder_;
  std::string name_;
  // As whom the file is reached; nothing: as us.
  AppUser user_;
  // True if there is a user, even if that one's rights are not needed.
  bool guarded_ = false;
  // True if others may put files there: no links, no second names.
  bool shared_ = false;
};

// Takes the user's rights for as long as the outcome lives; nothing where there is no such user. What follows a path
// that a user could change stands on this.
Result<std::optional<AsUser>> act_as(const AppUser& user);

// A folder that was opened to be watched or listed.
struct OpenedFolder {
  Fd fd;
  // As whom it was opened and is to be used: the user, or nobody but us.
  AppUser as;
};
// Opens the folder `path`, an absolute one, by the rules of AppFile::find().
Result<OpenedFolder> open_folder(const std::string& path, const AppUser& user);
// For a scan of files by the same rules: as us in what root alone has laid out, and from the first folder on that the
// user could change with that user's rights. `user` is copied.
ChooseRights scan_rights(const AppUser& user);

}  // namespace gatehouse
