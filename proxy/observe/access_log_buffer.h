// One worker's part of the access log: formats lines and hands them over when 64 KiB have come together, or a fifth of
// a second after the first. Owned by the worker, on its loop's thread; what is left is handed over when it is
// destroyed.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "common/timer.h"
#include "proxy/observe/access_log.h"
#include "proxy/observe/access_record.h"
#include "proxy/observe/log_text.h"
#include "proxy/observe/redaction.h"

namespace gatehouse {

class AccessLogBuffer {
 public:
  AccessLogBuffer(EventLoop& loop, AccessLog& log);
  ~AccessLogBuffer() { hand_over(); }

  // Lines from now on go to `sink`, without what `redaction` leaves out. Without a sink there are no lines; without a
  // redaction nothing is left out.
  void use(std::shared_ptr<AccessLogSink> sink, std::shared_ptr<const Redaction> redaction);

  void write(const Exchange& exchange);
  void hand_over();

 private:
  AccessLog& log_;
  std::shared_ptr<AccessLogSink> sink_;
  std::shared_ptr<const Redaction> redaction_;
  std::string query_;  // as it may be logged; likewise the referer
  std::string referer_;
  std::string text_;
  std::size_t lines_ = 0;
  log_text::LogTime times_;
  Timer flush_;
};

}  // namespace gatehouse
