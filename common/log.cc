#include "common/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <mutex>
#include <string_view>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include "common/fd.h"

namespace gatehouse::log {

namespace {

// %* in the pattern: the message with control characters escaped. Parts of it may come from a client, and one message
// is one line.
class OneLineText final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/, spdlog::memory_buf_t& out) override {
    static constexpr std::string_view kHexDigits = "0123456789abcdef";
    for (const char c : std::string_view(message.payload.data(), message.payload.size())) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 0x20 && byte != 0x7F) {
        out.push_back(c);
      } else {
        const char escaped[] = {'\\', 'x', kHexDigits[byte >> 4U], kHexDigits[byte & 0xFU]};
        out.append(escaped, escaped + sizeof escaped);
      }
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<OneLineText>(); }
};

// %N: the priority that journald reads between angle brackets (sd-daemon(3)).
class JournalPriority final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/, spdlog::memory_buf_t& out) override {
    out.push_back(digit(message.level));
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<JournalPriority>(); }

 private:
  static char digit(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::critical:
      case spdlog::level::err:
        return '3';
      case spdlog::level::warn:
        return '4';
      case spdlog::level::info:
        return '6';
      default:
        return '7';
    }
  }
};

// journald adds time and level itself.
constexpr const char* kJournalPattern = "<%N>%*";
constexpr const char* kPlainPattern = "%Y-%m-%dT%H:%M:%S.%eZ %l %*";

std::unique_ptr<spdlog::formatter> make_formatter(const char* pattern) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<OneLineText>('*').add_flag<JournalPriority>('N').set_pattern(pattern);
  return formatter;
}

// Where lines go, exchangeable while other threads log (spdlog's default logger itself is not). One write per line, so
// that lines of several processes do not mix; a line that cannot be written is lost, for there is nowhere to say so.
class ProgramSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void direct(Fd target, std::string path) {
    const std::scoped_lock lock(mutex_);
    target_ = std::move(target);
    path_ = std::move(path);
  }
  std::string path() {
    const std::scoped_lock lock(mutex_);
    return path_;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    while (::write(target_.get(), line.data(), line.size()) < 0 && errno == EINTR) {
    }
  }
  void flush_() override {}

 private:
  Fd target_;
  std::string path_;  // empty unless it is a file
};

std::shared_ptr<ProgramSink> program_sink;  // set by the first configure(), before there are other threads

Result<Fd> open_file(const std::string& path) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
  if (!fd) return system_failure("cannot open the log file " + path, errno);
  return fd;
}

Result<Fd> duplicate(int standard) {
  Fd fd(::fcntl(standard, F_DUPFD_CLOEXEC, 3));
  if (!fd) return system_failure("cannot log to a standard stream", errno);
  return fd;
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::kError:
      return spdlog::level::err;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kDebug:
      return spdlog::level::debug;
  }
  return spdlog::level::info;
}

}  // namespace

Result<> configure(Level level, const std::string& output) {
  const bool standard = output == "stderr" || output == "stdout" || output == "journal";
  Result<Fd> target = standard ? duplicate(output == "stdout" ? STDOUT_FILENO : STDERR_FILENO) : open_file(output);
  if (!target) return std::unexpected(std::move(target).error());
  const bool first = program_sink == nullptr;
  if (first) program_sink = std::make_shared<ProgramSink>();
  program_sink->set_formatter(make_formatter(output == "journal" ? kJournalPattern : kPlainPattern));
  program_sink->direct(std::move(*target), standard ? std::string() : output);
  if (first) spdlog::set_default_logger(std::make_shared<spdlog::logger>("", program_sink));
  spdlog::set_level(spdlog_level(level));
  return {};
}

void reopen() {
  if (program_sink == nullptr) return;
  std::string path = program_sink->path();
  if (path.empty()) return;
  Result<Fd> target = open_file(path);
  if (!target) {
    error("{}; the old one stays in use", target.error().message);
    return;
  }
  program_sink->direct(std::move(*target), std::move(path));
}

}  // namespace gatehouse::log
