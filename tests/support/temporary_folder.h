// A folder for the files of one test, gone with it: below TMPDIR, private to the user. Owned by the test, whose thread
// it is for.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace gatehouse::testing_support {

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Writes a file (and its folders), mode 0600; returns its full path.
  std::string write(const std::filesystem::path& name, std::string_view text) const;

 private:
  std::filesystem::path path_;
};

// The bytes of a file; fails the test if it cannot be read.
std::string contents_of(const std::filesystem::path& file);

}  // namespace gatehouse::testing_support
