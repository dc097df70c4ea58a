#include "proxy/http/exchange/upload_watch.h"

#include <utility>

#include "common/event_loop.h"

namespace gatehouse {

UploadWatch::UploadWatch(EventLoop& loop, std::move_only_function<void(Fault)> failed)
    : loop_(loop), failed_(std::move(failed)), timer_(loop, [this] { expire(); }) {}

void UploadWatch::wait(const Upload& upload) {
  const MonotonicTime now = loop_.now();
  if (!std::exchange(waiting_, true) || upload.total != total_) silent_since_ = now;
  const Duration left = note(upload);
  pacing_ = upload.starved && upload.total > 0 && upload.min_rate > 0;
  paced_at_ = now;
  too_slow_ = pacing_ && now + left < silent_since_ + upload.silence;
  timer_.arm_at(too_slow_ ? now + left : silent_since_ + upload.silence);
}

void UploadWatch::rest(const Upload& upload) {
  if (rests(upload.total)) return;
  note(upload);
  waiting_ = pacing_ = false;
  timer_.disarm();
}

Duration UploadWatch::note(const Upload& upload) {
  const std::uint64_t came = upload.total - std::exchange(total_, upload.total);
  if (upload.min_rate == 0 || (came == 0 && !pacing_)) return pace_.left();
  const Duration waited = pacing_ ? loop_.now() - paced_at_ : Duration::zero();
  return pace_.left(waited, came, upload.min_rate, upload.silence);
}

void UploadWatch::expire() {
  waiting_ = pacing_ = false;
  failed_(too_slow_ ? Fault::kRequestTooSlow : Fault::kRequestBodyTimeout);
}

}  // namespace gatehouse
