#include "proxy/apps/files/output_file.h"

namespace gatehouse {

OutputFile::OutputFile(FileThread& thread, const std::string& path, const std::string& user)
    : thread_(thread), shared_(std::make_shared<Shared>(RotatingFile(path, user), this)) {}

OutputFile::~OutputFile() {
  hand_over();
  shared_->owner = nullptr;
}

void OutputFile::write_line(std::string_view line) {
  if (waiting_bytes_ + line.size() > kMostWaiting) {
    ++dropped_;
    return;
  }
  if (dropped_ > 0) waiting_.push_back(std::to_string(std::exchange(dropped_, 0)) + " lines dropped");
  waiting_.emplace_back(line);
  waiting_bytes_ += line.size() + 1;
  if (!writes_) hand_over();
}

void OutputFile::hand_over() {
  if (waiting_.empty()) return;
  writes_ = true;
  waiting_bytes_ = 0;
  thread_.run([shared = shared_, lines = std::exchange(waiting_, {})] -> FileThread::Then {
    for (const std::string& line : lines) shared->file.write_line(line);
    return [shared] {
      if (shared->owner == nullptr) return;
      shared->owner->writes_ = false;
      shared->owner->hand_over();
    };
  });
}

}  // namespace gatehouse
