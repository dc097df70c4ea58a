// What an app's files say: whether it is offline, what its environment file holds, and whether what it is made of has
// changed. Looked at on the FileThread of its user. The second part of App.
#include <optional>
#include <string>
#include <utility>

#include "common/log.h"
#include "common/log_limit.h"
#include "proxy/apps/app.h"
#include "proxy/apps/line_cutter.h"

namespace gatehouse {

namespace {
constinit log::Limited offline_changes("offline files that came or went");
}

void App::watch_files() {
  looking_.due = true;
  watching_.offline.clear();
  watching_.changes.clear();
  watching_.known.reset();
  watching_.limit = FileScan::Limit::kNone;
  look_at_watched();
}

void App::look_at_watched() {
  watching_.question.ask(context_.file_threads.of(spec_->process.user),
                         [spec = spec_, watcher = context_.watcher.handle()] {
                           const Result<AppUser> user = identity_to_take(spec->process.user);
                           return user ? std::optional(watch_folders_of(*spec, *user, watcher)) : std::nullopt;
                         });
}

// The first look is what later ones are compared with.
void App::on_watched(std::optional<WatchedFolders> folders) {
  if (!folders) return;
  FileScan& found = folders->changes;
  watching_.offline.replace(std::move(folders->offline));
  watching_.changes.adopt(std::make_shared<const PathPatterns>(watched_by(*spec_)), found);
  if (found.limit != watching_.limit && found.limit != FileScan::Limit::kNone) {
    log::warn("app {}: on_change means {}; what changes beyond them does not recycle it: name fewer folders",
              spec_->name, for_people(found.limit));
  }
  watching_.limit = found.limit;
  if (!found.whole) return;
  const std::optional<FileVersions> before = std::exchange(watching_.known, std::move(found.versions));
  const std::optional<std::string> other = before ? difference(*before, *watching_.known) : std::nullopt;
  if (other) recycle(RecycleReason::kFiles, printable(*other));
}

// Away from the loop: the folder is the app's user's, and so is how long it takes. Who that is may be for another
// machine to say.
void App::look_at_files() {
  if (wishes_.removed || looking_.question.waits() || (!looking_.due && !looking_.environment_due && looked())) return;
  looking_.due = false;
  looking_.since = context_.loop.now();
  const bool environment = std::exchange(looking_.environment_due, false);
  looking_.question.ask(context_.file_threads.of(spec_->process.user), [spec = spec_, environment] {
    Look look{.spec = spec, .user = identity_to_take(spec->process.user), .offline = {}, .environment = {}};
    if (look.user) look.offline = offline_page_of(*spec, *look.user);
    if (!environment) return look;
    look.environment = look.user ? environment_from_file(spec->process.environment_file, *look.user)
                                 : Result<Environment>(std::unexpected(look.user.error()));
    return look;
  });
}

void App::on_look(Look look) {
  context_.changed();
  if (look.spec != spec_) return;  // it is asked again
  looking_.at = std::move(look.spec);
  looking_.user = std::move(look.user);
  looking_.told_slow = false;
  if (look.environment) {
    looking_.environment = std::move(look.environment);
    looking_.read_at = context_.loop.now();
  }
  note_offline(std::move(look.offline));
}

void App::note_offline(std::optional<OfflinePage> now) {
  if (now == offline_) return;
  if (now.has_value() != offline_.has_value()) {
    offline_changes.info("app {}: {} {}", spec_->name, spec_->offline_file,
                         now ? "takes it offline" : "is gone: online again");
    wishes_.up = !now && spec_->start == AppStart::kEager;
    if (!now) forget_trouble();
  }
  offline_ = std::move(now);
}

}  // namespace gatehouse
