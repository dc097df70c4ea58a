#include "proxy/apps/offline_page.h"

#include <array>
#include <filesystem>
#include <fstream>
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

std::optional<OfflinePage> offline_page(const std::string& path) {
  if (path.empty()) return std::nullopt;
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
  OfflinePage page{.body = std::string(kMostBytes, '\0'), .type = type_of(path)};
  std::ifstream file(path, std::ios::binary);
  file.read(page.body.data(), static_cast<std::streamsize>(page.body.size()));
  page.body.resize(static_cast<std::size_t>(file.gcount()));
  return page;
}

}  // namespace gatehouse
