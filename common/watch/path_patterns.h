// Which files are meant: absolute paths, of which each part may be a pattern as in a shell ("*.py"), and "**" stands for
// any folders, or none, one below the other. A path that turns out to be a folder means all that is below it; a pattern
// means files. Immutable and pure: what is on disk is FileScan's.
//
//   /srv/site             a file, or the whole tree        /srv/site/**/*.py     in the tree
//   /srv/site/*.py        in this folder alone             /srv/site/**          the tree
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

class PathPatterns {
 public:
  // {"srv", "site", "**", "*.py"}, without empty parts and ".".
  using Parts = std::vector<std::string>;
  static constexpr std::string_view kAnyFolders = "**";
  static Parts parts_of(std::string_view path);

  // `never` are files that are not meant whatever matches them, together with those that rotation makes of them
  // ("PATH.1"). All paths are absolute.
  explicit PathPatterns(const std::vector<std::string>& paths, std::vector<std::string> never = {});

  const std::vector<Parts>& all() const { return all_; }
  bool empty() const { return all_.empty(); }

  // Whether `part` stands for more than one name; "**" does.
  static bool is_wild(std::string_view part);
  // Whether a name is one of those that `part` stands for, which is not "**". A pattern without an ending of its own
  // leaves out what does not matter(), and none stands for a name that begins with a dot unless it begins so itself.
  static bool matches(const std::string& part, const std::string& name);
  // False for what tools, editors and interpreters keep for themselves, and for logs.
  static bool matters(std::string_view name);
  bool is_never(std::string_view path) const;

  // Whether something that happens at `path` may be a change of what is meant. A folder's path ends with a slash.
  bool may_concern(std::string_view path) const;

 private:
  std::vector<Parts> all_;
  std::vector<std::string> never_;
};

}  // namespace gatehouse
