#include "proxy/files/send_file.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "common/text.h"
#include "proxy/files/file_path.h"
#include "proxy/system/as_user.h"

namespace gatehouse {

SendFile::SendFile(Options options, FileLane lane) : options_(std::move(options)), lane_(std::move(lane)) {}

void SendFile::announce(FieldList& request) const {
  if (!options_.folders.empty()) return request.set("X-Sendfile-Type", "X-Sendfile");
  request.set("X-Sendfile-Type", "X-Accel-Redirect");
  std::string mapping;
  for (const Place& place : options_.places) text::add_to_list(mapping, place.folder + "/=" + place.prefix);
  request.set("X-Accel-Mapping", mapping);
}

std::optional<SendFile::Name> SendFile::sent(std::string_view path) const {
  for (const std::string& folder : options_.folders) {
    if (path.size() <= folder.size() + 1 || !path.starts_with(folder) || path[folder.size()] != '/') continue;
    return Name{.folder = folder, .below = std::string(path.substr(folder.size() + 1))};
  }
  return std::nullopt;
}

std::optional<SendFile::Name> SendFile::redirected(std::string_view uri) const {
  const std::optional<std::string> path = decoded_once(uri.substr(0, uri.find('?')));
  if (!path) return std::nullopt;
  for (const Place& place : options_.places) {
    if (path->size() <= place.prefix.size() || !path->starts_with(place.prefix)) continue;
    return Name{.folder = place.folder, .below = path->substr(place.prefix.size())};
  }
  return std::nullopt;
}

// Slashes at the front of `below` would make it absolute, which leads nowhere below the folder.
std::expected<OpenedFile, OpenFailure> SendFile::open(const Name& name) const {
  using Kind = OpenFailure::Kind;
  const Result<AppUser> user = this->user();
  if (!user) return std::unexpected(OpenFailure{.kind = Kind::kFailed, .error = user.error().code});
  std::optional<AsUser> acting;
  if (*user) {
    Result<AsUser> taken = AsUser::take(**user);
    if (!taken) return std::unexpected(OpenFailure{.kind = Kind::kFailed, .error = taken.error().code});
    acting.emplace(*std::move(taken));
  }
  std::atomic<std::uint64_t> local{0};
  const auto folder = ServedFolder::open(name.folder, local, Wait::kMayWait);
  if (!folder) return std::unexpected(folder.error());
  return folder->file(name.below, Links::kBelow);
}

// Without the rights of root we are who the app is, or it would not run.
Result<AppUser> SendFile::user() const {
  const std::scoped_lock lock(mutex_);
  if (!user_) {
    Result<AppUser> found = ::geteuid() == 0 ? identity_to_take(options_.user) : Result<AppUser>(AppUser());
    if (!found) return found;
    user_ = *std::move(found);
  }
  return *user_;
}

}  // namespace gatehouse
