#include "common/log.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/sink.h>

#include "common/log_target.h"
#include "common/log_writer.h"

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

// Where lines go, exchangeable while other threads log (spdlog's default logger itself is not). Formats each line where
// it is made and leaves it to the writer.
class ProgramSink final : public spdlog::sinks::sink {
 public:
  void log(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    std::shared_ptr<LogTarget> target;
    {
      const std::scoped_lock lock(mutex_);
      formatter_->format(message, line);
      target = target_;
      if (writer_ && !in_child_) return writer_->add(target, {line.data(), line.size()});
    }
    if (target) {
      target->write({line.data(), line.size()}, [] { return false; });
    } else {
      while (::write(STDERR_FILENO, line.data(), line.size()) < 0 && errno == EINTR) {
      }
    }
  }
  void flush() override {}
  void set_pattern(const std::string& pattern) override { set_formatter(make_formatter(pattern.c_str())); }
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
    const std::scoped_lock lock(mutex_);
    formatter_ = std::move(formatter);
  }

  void direct(std::shared_ptr<LogTarget> target) {
    const std::scoped_lock lock(mutex_);
    target_ = std::move(target);
    if (!writer_) writer_.emplace(LogWriter::Options{.thread = "log", .caught_up = tell_dropped});
  }
  void reopen_soon() {
    const std::scoped_lock lock(mutex_);
    if (target_) target_->reopen_soon();
  }
  // Only set once, by the first direct(), before there are other threads; then it stays.
  LogWriter* writer() { return writer_ && !in_child_ ? &*writer_ : nullptr; }

  void before_fork() {
    mutex_.lock();
    if (writer_) writer_->before_fork();
  }
  void after_fork_in_parent() {
    if (writer_) writer_->after_fork_in_parent();
    mutex_.unlock();
  }
  void after_fork_in_child() {
    if (writer_) writer_->after_fork_in_child();
    in_child_ = true;
    mutex_.unlock();
  }

 private:
  static void tell_dropped(std::uint64_t dropped) {
    spdlog::warn("{} lines of this log were dropped: it was not read or written fast enough", dropped);
  }

  std::mutex mutex_;
  std::unique_ptr<spdlog::formatter> formatter_ = make_formatter(kPlainPattern);
  std::shared_ptr<LogTarget> target_;  // null before the first configure()
  std::optional<LogWriter> writer_;    // from then on
  bool in_child_ = false;
};

// Behind spdlog's default logger, which owns it to the end of the process.
ProgramSink& program_sink() {
  static ProgramSink& sink = []() -> ProgramSink& {
    const auto made = std::make_shared<ProgramSink>();
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("", made));
    return *made;
  }();
  return sink;
}

// Lines of before configure() take the same form, and do not land in what a command prints.
[[maybe_unused]] const ProgramSink& from_the_start = program_sink();

// The writer's thread goes on while this one waits here; then the signal does what it would have done.
void come_out_before_the_end(int signal) {
  constexpr int kTimes = 100;
  constexpr int kWaitMs = 10;
  const LogWriter* const writer = program_sink().writer();
  for (int i = 0; writer != nullptr && !writer->idle() && i < kTimes; ++i) ::poll(nullptr, 0, kWaitMs);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void prepare_for_forks_and_aborts() {
  ::pthread_atfork([] { program_sink().before_fork(); }, [] { program_sink().after_fork_in_parent(); },
                   [] { program_sink().after_fork_in_child(); });
  struct sigaction action{};
  if (::sigaction(SIGABRT, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) return;  // somebody else's
  action.sa_handler = come_out_before_the_end;
  ::sigaction(SIGABRT, &action, nullptr);
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
  auto target = LogTarget::open(output == "journal" ? "stderr" : output, {.log = "log"});
  if (!target) return std::unexpected(std::move(target).error());
  program_sink().set_formatter(make_formatter(output == "journal" ? kJournalPattern : kPlainPattern));
  program_sink().direct(*std::move(target));
  static std::once_flag prepared;
  std::call_once(prepared, prepare_for_forks_and_aborts);
  spdlog::set_level(spdlog_level(level));
  return {};
}

void reopen() {
  program_sink().reopen_soon();
}

void flush() {
  constexpr std::chrono::seconds kPatience{1};
  if (LogWriter* const writer = program_sink().writer()) writer->flush(kPatience);
}

Counts counts() {
  const LogWriter* const writer = program_sink().writer();
  if (writer == nullptr) return {};
  return {.written = writer->written(), .dropped = writer->dropped()};
}

}  // namespace gatehouse::log
