#include "proxy/files/file_site.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "proxy/files/media_types.h"
#include "proxy/http/accept.h"

namespace gatehouse {

namespace {

struct Coding {
  std::string_view name;
  std::string_view ending;
};

// Best first.
constexpr std::array<Coding, WantedCodings::kMost> kCodings{
    {{.name = "br", .ending = ".br"}, {.name = "zstd", .ending = ".zst"}, {.name = "gzip", .ending = ".gz"}}};

}  // namespace

WantedCodings wanted_codings(std::string_view accept_encoding) {
  WantedCodings wanted;
  if (accept_encoding.empty()) return wanted;
  const int least = coding_worth(accept_encoding, "identity");
  std::array<int, WantedCodings::kMost> worth{};
  for (std::size_t i = 0; i < kCodings.size(); ++i) {
    worth[i] = coding_worth(accept_encoding, kCodings[i].name);
    if (worth[i] > 0 && worth[i] >= least) wanted.order[wanted.count++] = static_cast<std::uint8_t>(i);
  }
  std::stable_sort(wanted.order.begin(), wanted.order.begin() + static_cast<std::ptrdiff_t>(wanted.count),
                   [&](std::uint8_t a, std::uint8_t b) { return worth[a] > worth[b]; });
  return wanted;
}

// One walk through the attempts.
class FileSite::Search {
 public:
  Search(const FileSite& site, const SiteQuestion& question, const ServedFolder& folder)
      : site_(site),
        question_(question),
        folder_(folder),
        links_(site.options_.follow_links ? Links::kAny : Links::kNone) {}

  SiteFile run() {
    for (const Attempt& attempt : site_.attempts_) {
      const std::string name = attempt.name_for(question_.path);
      if (attempt.is_folder() ? try_folder(attempt, name) : try_file(name)) return std::move(found_);
    }
    found_.kind = denied_ ? SiteFile::Kind::kDenied : SiteFile::Kind::kMissing;
    return std::move(found_);
  }

 private:
  // These return true where the search is over.
  bool try_file(const std::string& name) {
    auto file = folder_.file(name, links_);
    if (!file) return give_up(file.error());
    found_.kind = SiteFile::Kind::kFile;
    found_.file = *std::move(file);
    found_.name = name;
    if (media_type(name).compressible) choose_coding();
    return true;
  }

  bool try_folder(const Attempt& attempt, const std::string& name) {
    const auto there = folder_.look_for_folder(name, links_);
    if (!there) return give_up(there.error());
    const std::string before = name.empty() ? name : name + '/';
    for (const std::string& index : site_.options_.index) {
      std::string file = before;
      if (!try_file(file.append(index))) continue;
      const bool elsewhere = attempt.is_path_itself() && !question_.has_slash;
      if (found_.kind == SiteFile::Kind::kFile && elsewhere) found_.kind = SiteFile::Kind::kFolder;
      return true;
    }
    denied_ = true;
    return false;
  }

  // A compressed file that is older than the file itself was made of another.
  void choose_coding() {
    for (std::size_t i = 0; i < question_.codings.count; ++i) {
      const Coding& coding = kCodings[question_.codings.order[i]];
      auto file = folder_.file(found_.name + std::string(coding.ending), links_);
      if (!file && file.error().kind == OpenFailure::Kind::kNotCached) {
        found_.kind = SiteFile::Kind::kNotCached;
        return;
      }
      if (!file || file->modified_ns < found_.file.modified_ns) continue;
      found_.file = *std::move(file);
      found_.coding = coding.name;
      return;
    }
  }

  bool give_up(const OpenFailure& failure) {
    switch (failure.kind) {
      case OpenFailure::Kind::kMissing:
      case OpenFailure::Kind::kNotRegular:
        return false;
      case OpenFailure::Kind::kDenied:
        denied_ = true;
        return false;
      case OpenFailure::Kind::kNotCached:
        found_.kind = SiteFile::Kind::kNotCached;
        return true;
      case OpenFailure::Kind::kFailed:
        found_.kind = SiteFile::Kind::kFailed;
        found_.error = failure.error;
        return true;
    }
    return true;
  }

  const FileSite& site_;
  const SiteQuestion& question_;
  const ServedFolder& folder_;
  const Links links_;
  SiteFile found_;
  // Something was there that is not shown.
  bool denied_ = false;
};

FileSite::FileSite(Options options, FileLane lane)
    : options_(std::move(options)),
      attempts_(options_.attempts.begin(), options_.attempts.end()),
      lane_(std::move(lane)) {}

SiteFile FileSite::find(const SiteQuestion& question, Wait wait) const {
  const auto folder = ServedFolder::open(options_.folder, local_, wait);
  if (folder) return Search(*this, question, *folder).run();
  const OpenFailure& failure = folder.error();
  if (failure.kind == OpenFailure::Kind::kNotCached) return {.kind = SiteFile::Kind::kNotCached};
  // The folder of a route is to be there.
  return {.kind = SiteFile::Kind::kFailed, .error = failure.error};
}

}  // namespace gatehouse
