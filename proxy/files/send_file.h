// Files that an app has sent in its place, by X-Sendfile or X-Accel-Redirect: which names count, and the file itself, opened
// with the rights of the app's user and below the folders that the upstream lists. Part of a snapshot's routes,
// immutable but for who the user is, which is looked up once; any thread.
#pragma once

#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "proxy/files/file_pool.h"
#include "proxy/files/opened_file.h"
#include "proxy/http/field_list.h"
#include "proxy/system/user_identity.h"

namespace gatehouse {

class SendFile {
 public:
  // Of URIs that begin with `prefix`, which ends with a slash, what is behind that is looked for below `folder`.
  struct Place {
    std::string prefix;
    std::string folder;
  };
  struct Options {
    // Absolute, without slashes at their ends.
    std::vector<std::string> folders;
    std::vector<Place> places;
    // The app's; "": ours.
    std::string user;
  };
  // A file, by the folder that it has to be below.
  struct Name {
    std::string folder;
    std::string below;
    friend bool operator==(const Name&, const Name&) = default;
  };

  SendFile(Options options, FileLane lane);

  const FileLane& lane() const { return lane_; }
  // Tells the app, in the head of a request, by which field it can name a file: X-Sendfile-Type, and X-Accel-Mapping where
  // that is X-Accel-Redirect.
  void announce(FieldList& request) const;
  // What X-Sendfile names: an absolute path, as it is. Nothing: it is below none of the folders.
  std::optional<Name> sent(std::string_view path) const;
  // What X-Accel-Redirect names: the path of a URI, whose escapes are decoded once; its query counts for nothing.
  std::optional<Name> redirected(std::string_view uri) const;
  // Not for a loop's thread.
  std::expected<OpenedFile, OpenFailure> open(const Name& name) const;

 private:
  Result<AppUser> user() const;

  const Options options_;
  const FileLane lane_;
  mutable std::mutex mutex_;
  // Guarded by the mutex; nothing: not looked up yet.
  mutable std::optional<AppUser> user_;
};

}  // namespace gatehouse
