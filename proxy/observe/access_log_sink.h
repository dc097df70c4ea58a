// Where access-log lines go, with the format they are written in. Shared by the workers' buffers, which format by it,
// and the configurations that name it. Immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "common/log_target.h"
#include "common/result.h"
#include "proxy/observe/access_record.h"

namespace gatehouse {

class AccessLogSink {
  struct Private {};

 public:
  AccessLogSink(Private /*only_open_makes_one*/, std::shared_ptr<LogTarget> target, AccessLogFormat format)
      : target_(std::move(target)), format_(format) {}
  // `output`: "stdout", "stderr", or the path of a file, which is opened now.
  static Result<std::shared_ptr<AccessLogSink>> open(const std::string& output, AccessLogFormat format);

  const std::string& output() const { return target_->output(); }
  AccessLogFormat format() const { return format_; }
  const std::shared_ptr<LogTarget>& target() const { return target_; }

  // Before the next line is written the file is opened again by its name (it was rotated).
  void reopen_soon() const { target_->reopen_soon(); }

 private:
  const std::shared_ptr<LogTarget> target_;
  const AccessLogFormat format_;
};

}  // namespace gatehouse
