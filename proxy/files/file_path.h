// From the path of a request to the names of files that it may mean, below the folder of its route: decoded once, with
// nothing that leads up or is hidden. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse {

// Decodes an origin-form path that has been resolved (target.h) and returns it without the slash at its front: "a/b.txt",
// "a/" or "". Nothing where it can be no file of a site: a segment is empty, "." or "..", holds a slash or a NUL, or
// begins with a dot (but for ".well-known" in the first place, RFC 8615).
std::optional<std::string> site_path(std::string_view resolved);

// One place where a file is looked for: a pattern such as "{path}", "{path}/" or "/index.html".
class Attempt {
 public:
  // What "{path}" is in `pattern` becomes the path of the request. A pattern that ends with a slash is for folders.
  explicit Attempt(std::string_view pattern);
  // The name below the folder of the route, without slashes at its ends; "" is that folder. A path with a slash at its end
  // names no file, which the slash at the end of what is returned says then.
  std::string name_for(std::string_view site_path) const;
  bool is_folder() const { return folder_; }
  // What it leads to is what the path of the request names, and not something in its place.
  bool is_path_itself() const { return has_path_ && before_.empty() && after_.empty(); }

 private:
  std::string before_;
  std::string after_;
  bool has_path_ = false;
  bool folder_ = false;
};

// Where the client finds a folder by a path that ends with a slash. `target` is the one that it sent, in origin form, and
// escaped. Leads to no other site.
std::string with_slash(std::string_view target);

// Decodes the escapes of `path`, once. Nothing where one is broken or stands for NUL.
std::optional<std::string> decoded_once(std::string_view path);

}  // namespace gatehouse
