// Where access-log lines go, with the format they are written in. Shared by the snapshots that name it and by the
// workers' buffers, which format by it. Never changes but for what it has to open again; any thread.
#pragma once

#include <memory>
#include <string>

#include "common/log_target.h"
#include "common/result.h"
#include "proxy/observe/access_record.h"

namespace gatehouse {

class AccessLogSink {
  struct Private {};

 public:
  AccessLogSink(Private /*only_open_makes_one*/, std::shared_ptr<LogTarget> target, AccessLogFormat asked);
  // `output` is "stdout", "stderr", or the path of a file, which is opened now, and made if it is not there. A W3C
  // log begins every file with its directives. The error says what the system said about which file.
  static Result<std::shared_ptr<AccessLogSink>> open(const std::string& output, AccessLogFormat format);

  // What open() was given: a reload with the same output and format keeps the sink as it is.
  const std::string& output() const { return target_->output(); }
  AccessLogFormat asked() const { return asked_; }
  // How lines are to be written now, never kAuto: a terminal may be as wide as it was no longer.
  LineStyle style() const;
  // What the writing thread writes to; nobody else does.
  const std::shared_ptr<LogTarget>& target() const { return target_; }

  // Says that the file was rotated: it is opened again by its name before the next line is written. Any thread.
  void reopen_soon() const { target_->reopen_soon(); }

 private:
  const std::shared_ptr<LogTarget> target_;
  const AccessLogFormat asked_;
  // The terminal that it leads to; -1: none.
  const int terminal_;
  const bool colours_;
};

}  // namespace gatehouse
