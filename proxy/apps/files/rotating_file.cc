#include "proxy/apps/files/rotating_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "common/log.h"

namespace gatehouse {

namespace {
constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT;
constexpr mode_t kMode = 0640;

std::string ending(int number) {
  return number == 0 ? "" : "." + std::to_string(number);
}

// Makes the folder of `path`, in one that is there.
bool make_folder_of(const std::string& path, const AppUser& user) {
  const Result<AppFile> folder = AppFile::find(std::filesystem::path(path).parent_path().native(), user);
  return folder && folder->make_folder();
}

}  // namespace

void RotatingFile::tell(const Error& error) {
  if (!told_) log::warn("the output file: {}", error.message);
  told_ = true;
}

Result<> RotatingFile::open() {
  const Result<AppUser> user = identity_to_take(user_);
  if (!user) return std::unexpected(user.error());
  Result<AppFile> app_file = AppFile::find(path_, *user);
  if (!app_file && app_file.error().code == ENOENT && make_folder_of(path_, *user)) {
    app_file = AppFile::find(path_, *user);
  }
  if (!app_file) return std::unexpected(std::move(app_file).error());
  app_file_ = *std::move(app_file);
  Result<Fd> file = app_file_->open(kFlags, kMode);
  if (!file && file.error().code == EACCES && app_file_->kind_without_link() == AppFile::Kind::kRegular && rotate()) {
    file = app_file_->open(kFlags, kMode);  // what was there is somebody else's, as from before the app had a user
  }
  if (!file) return std::unexpected(std::move(file).error());
  struct stat status{};
  if (::fstat(file->get(), &status) != 0) return system_failure("cannot look at " + path_, errno);
  file_ = *std::move(file);
  size_ = S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0;
  return {};
}

// The first times there are none of the older ones.
bool RotatingFile::rotate() {
  for (int number = kFiles - 1; number > 1; --number) app_file_->rename(ending(number - 1), ending(number));
  return app_file_->rename("", ending(1));
}

Result<> RotatingFile::start_anew() {
  if (rotate()) {
    file_.reset();
    return open();
  }
  size_ = 0;
  if (::ftruncate(file_.get(), 0) == 0 || errno == EINVAL) return {};  // not for what is no file
  return system_failure("cannot begin " + path_ + " anew", errno);
}

void RotatingFile::write_line(std::string_view line) {
  if (!file_) {
    if (const Result<> done = open(); !done) return tell(done.error());
  }
  if (size_ > 0 && size_ + line.size() + 1 > most_bytes_) {
    if (const Result<> done = start_anew(); !done) return tell(done.error());
  }
  std::string bytes(line);
  bytes += '\n';
  const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
  if (written < 0) return tell(system_failure("cannot write to " + path_, errno).error());
  size_ += static_cast<std::size_t>(written);
  told_ = false;
}

}  // namespace gatehouse
