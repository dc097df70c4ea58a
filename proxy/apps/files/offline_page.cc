#include "proxy/apps/files/offline_page.h"

#include <array>
#include <filesystem>
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

}  // namespace gatehouse
