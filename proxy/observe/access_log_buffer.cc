#include "proxy/observe/access_log_buffer.h"

#include <chrono>
#include <utility>

namespace gatehouse {
namespace {

constexpr std::chrono::milliseconds kFlushAfter{200};

}  // namespace

AccessLogBuffer::AccessLogBuffer(EventLoop& loop, AccessLog& log) : log_(log), flush_(loop, [this] { hand_over(); }) {}

void AccessLogBuffer::use(std::shared_ptr<AccessLogSink> sink, std::shared_ptr<const Redaction> redaction) {
  hand_over();
  sink_ = std::move(sink);
  redaction_ = std::move(redaction);
}

void AccessLogBuffer::write(const Exchange& exchange) {
  if (!sink_) return;
  if (text_.empty()) {
    flush_.arm(kFlushAfter);
    style_ = sink_->style();
  }
  AccessRecord record = AccessRecord::of(exchange);
  if (redaction_) {
    record.query = redaction_->query(record.query, query_);
    record.referer = redaction_->url(record.referer, referer_);
  }
  append_line(text_, record, style_, times_);
  ++lines_;
  if (text_.size() >= AccessLog::kBlockSize) hand_over();
}

void AccessLogBuffer::hand_over() {
  flush_.disarm();
  if (lines_ == 0) return;
  log_.hand_over(sink_, text_, std::exchange(lines_, 0));
}

}  // namespace gatehouse
