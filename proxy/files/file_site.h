// A folder that a route serves: from the path of a request to the open file that answers it. Part of a snapshot's routes,
// immutable but for what it learns of its file system; any thread.
//
//   path "/docs" --Attempt--> "docs", "docs/" + index --ServedFolder--> file, and a compressed one beside it
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/files/file_path.h"
#include "proxy/files/file_pool.h"
#include "proxy/files/opened_file.h"

namespace gatehouse {

// Which compressed files a client takes, best first.
struct WantedCodings {
  static constexpr std::size_t kMost = 3;
  // Of content_codings().
  std::array<std::uint8_t, kMost> order{};
  std::size_t count = 0;
};

// Those of an Accept-Encoding that are worth as much as no coding at all; of equals br before zstd before gzip.
WantedCodings wanted_codings(std::string_view accept_encoding);

// What of the site a request wants.
struct SiteQuestion {
  // See site_path().
  std::string path;
  // The path that the client sent has a slash at its end.
  bool has_slash = false;
  WantedCodings codings = {};
};

struct SiteFile {
  enum class Kind : std::uint8_t {
    kFile,
    // The path names a folder with something to show, and has no slash at its end.
    kFolder,
    kMissing,
    // There is something that is not shown: no right to read it, or a folder without an index.
    kDenied,
    // Cannot be told without a wait.
    kNotCached,
    kFailed,
  };
  Kind kind = Kind::kMissing;
  OpenedFile file = {};
  // Of the file without coding.
  std::string name = {};
  // As Content-Encoding says it; empty: none.
  std::string_view coding = {};
  // For kFailed.
  int error = 0;
};

class FileSite {
 public:
  struct Options {
    std::string folder;
    // Patterns of Attempt, in this order.
    std::vector<std::string> attempts = {"{path}", "{path}/"};
    // Names of files that show a folder.
    std::vector<std::string> index = {"index.html"};
    // Below the folder, wherever they lead.
    bool follow_links = false;
  };

  FileSite(Options options, FileLane lane);

  const FileLane& lane() const { return lane_; }
  const std::string& folder() const { return options_.folder; }
  // Opens the file that answers. A folder without an index is as if it were not there, unless nothing else answers.
  SiteFile find(const SiteQuestion& question, Wait wait) const;

 private:
  class Search;

  const Options options_;
  std::vector<Attempt> attempts_;
  const FileLane lane_;
  // See ServedFolder::open().
  mutable std::atomic<std::uint64_t> local_{0};
};

}  // namespace gatehouse
