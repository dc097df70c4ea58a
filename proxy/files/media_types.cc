#include "proxy/files/media_types.h"

#include <algorithm>
#include <array>
#include <string>

#include "common/text.h"

namespace gatehouse {

namespace {

struct Row {
  std::string_view ending;
  MediaType type;
};

constexpr MediaType kUnknown{.type = "application/octet-stream"};

constexpr MediaType packed(std::string_view type) {
  return {.type = type};
}
constexpr MediaType plain(std::string_view type) {
  return {.type = type, .compressible = true};
}

// By ending, in alphabetical order.
constexpr auto kRows = std::to_array<Row>({
    {"7z", packed("application/x-7z-compressed")},
    {"aac", packed("audio/aac")},
    {"apk", packed("application/vnd.android.package-archive")},
    {"apng", packed("image/apng")},
    {"atom", plain("application/atom+xml")},
    {"avi", packed("video/x-msvideo")},
    {"avif", packed("image/avif")},
    {"bmp", plain("image/bmp")},
    {"br", packed("application/octet-stream")},
    {"bz2", packed("application/x-bzip2")},
    {"cjs", plain("text/javascript; charset=utf-8")},
    {"css", plain("text/css; charset=utf-8")},
    {"csv", plain("text/csv; charset=utf-8")},
    {"doc", packed("application/msword")},
    {"docx", packed("application/vnd.openxmlformats-officedocument.wordprocessingml.document")},
    {"eot", plain("application/vnd.ms-fontobject")},
    {"epub", packed("application/epub+zip")},
    {"flac", packed("audio/flac")},
    {"geojson", plain("application/geo+json")},
    {"gif", packed("image/gif")},
    {"gz", packed("application/gzip")},
    {"heic", packed("image/heic")},
    {"htm", plain("text/html; charset=utf-8")},
    {"html", plain("text/html; charset=utf-8")},
    {"ico", plain("image/x-icon")},
    {"ics", plain("text/calendar; charset=utf-8")},
    {"jar", packed("application/java-archive")},
    {"jpeg", packed("image/jpeg")},
    {"jpg", packed("image/jpeg")},
    {"js", plain("text/javascript; charset=utf-8")},
    {"json", plain("application/json")},
    {"jsonld", plain("application/ld+json")},
    {"jxl", packed("image/jxl")},
    {"m3u8", plain("application/vnd.apple.mpegurl")},
    {"m4a", packed("audio/mp4")},
    {"m4v", packed("video/mp4")},
    {"map", plain("application/json")},
    {"md", plain("text/markdown; charset=utf-8")},
    {"mjs", plain("text/javascript; charset=utf-8")},
    {"mov", packed("video/quicktime")},
    {"mp3", packed("audio/mpeg")},
    {"mp4", packed("video/mp4")},
    {"mpd", plain("application/dash+xml")},
    {"mpeg", packed("video/mpeg")},
    {"odp", packed("application/vnd.oasis.opendocument.presentation")},
    {"ods", packed("application/vnd.oasis.opendocument.spreadsheet")},
    {"odt", packed("application/vnd.oasis.opendocument.text")},
    {"ogg", packed("audio/ogg")},
    {"ogv", packed("video/ogg")},
    {"opus", packed("audio/ogg")},
    {"otf", plain("font/otf")},
    {"pdf", packed("application/pdf")},
    {"png", packed("image/png")},
    {"ppt", packed("application/vnd.ms-powerpoint")},
    {"pptx", packed("application/vnd.openxmlformats-officedocument.presentationml.presentation")},
    {"ps", plain("application/postscript")},
    {"rar", packed("application/vnd.rar")},
    {"rss", plain("application/rss+xml")},
    {"rtf", plain("application/rtf")},
    {"svg", plain("image/svg+xml")},
    {"tar", plain("application/x-tar")},
    {"tif", packed("image/tiff")},
    {"tiff", packed("image/tiff")},
    {"ts", packed("video/mp2t")},
    {"ttf", plain("font/ttf")},
    {"txt", plain("text/plain; charset=utf-8")},
    {"vtt", plain("text/vtt; charset=utf-8")},
    {"wasm", plain("application/wasm")},
    {"wav", packed("audio/wav")},
    {"weba", packed("audio/webm")},
    {"webm", packed("video/webm")},
    {"webmanifest", plain("application/manifest+json")},
    {"webp", packed("image/webp")},
    {"woff", packed("font/woff")},
    {"woff2", packed("font/woff2")},
    {"xhtml", plain("application/xhtml+xml")},
    {"xls", packed("application/vnd.ms-excel")},
    {"xlsx", packed("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")},
    {"xml", plain("text/xml; charset=utf-8")},
    {"xsl", plain("text/xml; charset=utf-8")},
    {"xz", packed("application/x-xz")},
    {"yaml", plain("application/yaml")},
    {"yml", plain("application/yaml")},
    {"zip", packed("application/zip")},
    {"zst", packed("application/zstd")},
});
static_assert(std::ranges::is_sorted(kRows, {}, &Row::ending));

constexpr std::size_t kLongestEnding =
    std::ranges::max(kRows, {}, [](const Row& row) { return row.ending.size(); }).ending.size();

}  // namespace

MediaType media_type(std::string_view name) {
  const std::size_t dot = name.find_last_of("./");
  if (dot == std::string_view::npos || name[dot] != '.' || name.size() - dot - 1 > kLongestEnding) return kUnknown;
  const std::string ending = text::lower(name.substr(dot + 1));
  const auto row = std::ranges::lower_bound(kRows, std::string_view(ending), {}, &Row::ending);
  return row != kRows.end() && row->ending == ending ? row->type : kUnknown;
}

}  // namespace gatehouse
