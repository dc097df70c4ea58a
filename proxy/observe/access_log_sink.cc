#include "proxy/observe/access_log_sink.h"

#include <unistd.h>

#include <ctime>
#include <utility>

#include "common/terminal.h"

namespace gatehouse {
namespace {

int terminal_of(const std::string& output) {
  const int stream = output == "stdout" ? STDOUT_FILENO : output == "stderr" ? STDERR_FILENO : -1;
  return stream >= 0 && terminal::is_terminal(stream) ? stream : -1;
}

}  // namespace

AccessLogSink::AccessLogSink(Private /*only_open_makes_one*/, std::shared_ptr<LogTarget> target, AccessLogFormat asked)
    : target_(std::move(target)),
      asked_(asked),
      terminal_(terminal_of(target_->output())),
      colours_(terminal_ >= 0 && terminal::wants_colours(terminal_)) {}

Result<std::shared_ptr<AccessLogSink>> AccessLogSink::open(const std::string& output, AccessLogFormat format) {
  auto target = LogTarget::open(
      output, {.log = "access log", .preamble = format == AccessLogFormat::kW3c ? w3c_directives() : ""});
  if (!target) return std::unexpected(std::move(target).error());
  tzset();  // reads the file of the time zone here, and not on the loop of the first worker that writes a short line
  return std::make_shared<AccessLogSink>(Private{}, *std::move(target), format);
}

LineStyle AccessLogSink::style() const {
  const bool on_terminal = terminal_ >= 0;
  const AccessLogFormat usual = on_terminal ? AccessLogFormat::kShort : AccessLogFormat::kJson;
  return {.format = asked_ == AccessLogFormat::kAuto ? usual : asked_,
          .colours = colours_,
          .columns = on_terminal ? terminal::columns(terminal_) : 0};
}

}  // namespace gatehouse
