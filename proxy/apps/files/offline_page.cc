#include "proxy/apps/files/offline_page.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

#include "common/text.h"

namespace gatehouse {

namespace {

constexpr std::size_t kMostBytes = 1024UL * 1024;

std::string type_of(const std::filesystem::path& path) {
  using Pair = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Pair, 6> kTypes = {
      Pair{".htm", "text/html; charset=utf-8"},  Pair{".html", "text/html; charset=utf-8"},
      Pair{".txt", "text/plain; charset=utf-8"}, Pair{".json", "application/json"},
      Pair{".xml", "application/xml"},           Pair{".svg", "image/svg+xml"}};
  const std::string extension = text::lower(path.extension().native());
  for (const auto& [ending, type] : kTypes) {
    if (extension == ending) return std::string(type);
  }
  return "text/plain; charset=utf-8";
}

}  // namespace

std::optional<OfflinePage> offline_page(const std::string& path, const AppUser& user) {
  if (path.empty()) return std::nullopt;
  const Result<AppFile> app_file = AppFile::find(path, user);
  if (!app_file || app_file->kind() != AppFile::Kind::kRegular) return std::nullopt;
  return OfflinePage{.body = app_file->read(kMostBytes, AppFile::Excess::kIsCut).value_or(""), .type = type_of(path)};
}

std::string in_any_case(const std::string& path, const AppUser& user) {
  const std::filesystem::path wanted(path);
  const Result<OpenedFolder> folder = open_folder(wanted.parent_path().native(), user);
  if (!folder) return path;
  const Result<std::optional<AsUser>> acting = act_as(folder->as);
  const int own = acting ? ::fcntl(folder->fd.get(), F_DUPFD_CLOEXEC, 0) : -1;
  if (own < 0) return path;
  using Listing = std::unique_ptr<DIR, decltype([](DIR* open) { ::closedir(open); })>;
  const Listing listing(::fdopendir(own));
  if (!listing) {
    ::close(own);
    return path;
  }
  std::string found = path;
  while (const dirent* const entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (name == wanted.filename().native()) return path;
    if (text::iequals(name, wanted.filename().native())) found = (wanted.parent_path() / name).native();
  }
  return found;
}

}  // namespace gatehouse
