// One worker's part of the access log: formats lines and hands them over when 64 KiB have come together, or a fifth
// of a second after the first. Owned by the worker, on its loop's thread; what is left is handed over when it is
// destroyed, so that the AccessLog must outlive it.
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
  // `loop` is the worker's, `log` outlives the buffer. There are no lines before use() has named a sink.
  AccessLogBuffer(EventLoop& loop, AccessLog& log);
  ~AccessLogBuffer() { hand_over(); }

  // Lines from now on go to `sink`, without what `redaction` leaves out; those before are handed over to the former
  // sink. Both may be null: without a sink there are no lines; without a redaction nothing is left out.
  void use(std::shared_ptr<AccessLogSink> sink, std::shared_ptr<const Redaction> redaction);

  // Appends the line of an exchange, and hands everything over where that makes a full block. Called once, when the
  // exchange ends; the line has copies of all that it needs.
  void write(const Exchange& exchange);

  // Hands over what there is at once, so that a worker that has drained keeps nothing back.
  void hand_over();

 private:
  AccessLog& log_;
  std::shared_ptr<AccessLogSink> sink_;
  std::shared_ptr<const Redaction> redaction_;
  // Room for the redacted query and referer of the line that is being written.
  std::string query_;
  std::string referer_;
  std::string text_;
  // How many of them are in `text_`.
  std::size_t lines_ = 0;
  // Asked for with the first line in an empty buffer.
  LineStyle style_;
  log_text::LogTime times_;
  // Armed by the first line in an empty buffer.
  Timer flush_;
};

}  // namespace gatehouse
