#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <format>
#include <string>
#include <string_view>

#include "config/quoting.h"
#include "config/validate.h"

namespace gatehouse::config {

namespace {

// A start makes the file, but not the folder: one that is mistyped would be made silently. Folders that may not be looked
// into now may be open to whoever starts it.
void check_output(std::string_view what, const std::string& output, const Location& where,
                  std::vector<Diagnostic>& out) {
  if (!output.starts_with('/')) return;
  struct stat status{};
  if (::stat(output.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) {
      error(out, where,
            std::format(R"("output": {} is a folder; write {})", in_quotes(output),
                        in_quotes(output + "/gatehouse.log")));
    }
    return;
  }
  const std::string folder = std::filesystem::path(output).parent_path().string();
  const bool found = ::stat(folder.c_str(), &status) == 0;
  if (found ? S_ISDIR(status.st_mode) : errno != ENOENT && errno != ENOTDIR) return;
  error(out, where,
        std::format(R"("output": there is no folder {} for {}; make it (mkdir -p {}), or name a file elsewhere)",
                    in_quotes(folder), what, folder));
}

}  // namespace

std::vector<Diagnostic> validate_logs(const Log& log) {
  std::vector<Diagnostic> out;
  check_output("the log", log.output, log.output_location, out);
  check_output("the access log", log.access.output, log.access.output_location, out);
  return out;
}

}  // namespace gatehouse::config
