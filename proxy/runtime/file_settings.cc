#include "proxy/runtime/file_settings.h"

#include <algorithm>
#include <utility>

namespace gatehouse {

namespace {

std::shared_ptr<const SendFile> made(const config::SendFile& source, const std::string& user,
                                     const std::shared_ptr<FilePool>& pool) {
  if (source.folders.empty() && source.places.empty()) return nullptr;
  SendFile::Options options{.folders = source.folders, .places = {}, .user = user};
  for (const config::SendFile::Place& place : source.places) {
    options.places.push_back({.prefix = place.prefix, .folder = place.folder});
  }
  return std::make_shared<const SendFile>(std::move(options), FileLane::of(pool));
}

}  // namespace

std::shared_ptr<const FileSite> file_site(const config::Files& files, const std::shared_ptr<FilePool>& pool) {
  return std::make_shared<const FileSite>(
      FileSite::Options{
          .folder = files.folder, .attempts = files.attempts, .index = files.index, .follow_links = files.follow_links},
      FileLane::of(pool));
}

std::shared_ptr<const SendFile> send_file(const config::Config& config, std::string_view target,
                                          const std::shared_ptr<FilePool>& pool) {
  const auto is_it = [&](const auto& candidate) { return candidate.name == target; };
  if (const auto app = std::ranges::find_if(config.apps, is_it); app != config.apps.end()) {
    return made(app->balancing.send_file, app->user, pool);
  }
  const auto upstream = std::ranges::find_if(config.upstreams, is_it);
  return upstream == config.upstreams.end() ? nullptr : made(upstream->balancing.send_file, "", pool);
}

}  // namespace gatehouse
