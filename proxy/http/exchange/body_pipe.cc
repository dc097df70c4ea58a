#include "proxy/http/exchange/body_pipe.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/waker.h"
#include "proxy/http/exchange/valve.h"
#include "proxy/http/exchange/websocket_frames.h"

namespace gatehouse {

std::size_t BodyWriter::room() const {
  if (ended() || pipe_.state_.abandoned || pipe_.state_.over_limit) return 0;
  return pipe_.capacity_ - std::min(pipe_.capacity_, pipe_.queued());
}

std::size_t BodyWriter::take_credit() {
  return std::exchange(pipe_.credit_, 0);
}

void BodyWriter::write(Buffer bytes) {
  assert(!ended());
  if (bytes.empty() || ended()) return;
  if (pipe_.fittings_.filter) [[unlikely]] {
    bytes = pipe_.fittings_.filter->push(std::move(bytes));
  }
  pipe_.written_ += bytes.size();
  if (pipe_.fittings_.frames != nullptr) pipe_.fittings_.frames->follow(bytes);
  if (pipe_.written_ > pipe_.bounds_.most) pipe_.state_.over_limit = true;
  if (pipe_.state_.abandoned || pipe_.state_.over_limit) {
    pipe_.credit_ += bytes.size();
  } else if (pipe_.fittings_.valve != nullptr) {
    pipe_.fittings_.valve->hold(std::move(bytes));
  } else {
    pipe_.bytes_.append(std::move(bytes));
  }
  pipe_.wake_reader();
  if (pipe_.fittings_.filter && pipe_.fittings_.filter->fault()) [[unlikely]] {
    finish();
  }
}

void BodyWriter::finish_with(Buffer last_words) {
  pipe_.state_.last_words = pipe_.state_.abandoned ? 0 : last_words.size();
  write(std::move(last_words));
  finish();
}

void BodyWriter::finish(FieldList trailers) {
  assert(!ended());
  if (ended()) return;
  if (pipe_.fittings_.filter) [[unlikely]] {
    trailers = pipe_.fittings_.filter->end(std::move(trailers));
  }
  const bool as_promised = !pipe_.state_.over_limit && pipe_.written_ >= pipe_.bounds_.promised;
  pipe_.state_.end = as_promised ? BodyPipe::End::kFinished : BodyPipe::End::kFailed;
  if (pipe_.state_.takes_trailers) pipe_.trailers_ = std::move(trailers);
  pipe_.wake_reader();
}

void BodyWriter::fail() {
  if (ended()) return;
  pipe_.state_.end = BodyPipe::End::kFailed;
  pipe_.wake_reader();
}

bool BodyWriter::ended() const {
  return pipe_.state_.end != BodyPipe::End::kOpen;
}
bool BodyWriter::abandoned() const {
  return pipe_.state_.abandoned;
}
std::uint64_t BodyWriter::total() const {
  return pipe_.written_;
}
void BodyWriter::set_waker(Waker* waker) {
  pipe_.wakers_.writer = waker;
}

std::size_t BodyReader::available() const {
  return pipe_.bytes_.size();
}

Buffer BodyReader::read(std::size_t max) {
  const std::size_t count = std::min(max, pipe_.bytes_.size());
  if (count == 0) return {};
  Buffer out = count == pipe_.bytes_.size() ? std::exchange(pipe_.bytes_, Buffer()) : pipe_.bytes_.split(count);
  pipe_.taken(count);
  return out;
}

const Buffer& BodyReader::peek() const {
  return pipe_.bytes_;
}

void BodyReader::consume(std::size_t count) {
  if (count == 0) return;
  pipe_.bytes_.consume(count);
  pipe_.taken(count);
}

bool BodyReader::finished() const {
  return pipe_.state_.end == BodyPipe::End::kFinished && pipe_.held() == 0;
}
bool BodyReader::at_end() const {
  return finished() && pipe_.bytes_.empty();
}
bool BodyReader::failed() const {
  return pipe_.state_.end == BodyPipe::End::kFailed;
}
FieldList& BodyReader::trailers() {
  return pipe_.trailers_;
}

void BodyReader::abandon() {
  if (pipe_.state_.abandoned) return;
  pipe_.state_.abandoned = true;
  pipe_.drop_queued();
  pipe_.wake_writer();
}

std::uint64_t BodyReader::total() const {
  return pipe_.read_;
}
void BodyReader::set_waker(Waker* waker) {
  pipe_.wakers_.reader = waker;
}

void BodyPipe::set_limit(std::uint64_t bytes) {
  bounds_.most = bytes;
  if (written_ <= bounds_.most) return;
  state_.over_limit = true;
  drop_queued();
  wake_reader();
}

std::size_t BodyPipe::held() const {
  return fittings_.valve == nullptr ? 0 : fittings_.valve->held();
}

std::size_t BodyPipe::queued() const {
  return bytes_.size() + held();
}

void BodyPipe::drop_queued() {
  credit_ += queued();
  bytes_.clear();
  if (fittings_.valve != nullptr) fittings_.valve->drop();
}

void BodyPipe::set_valve(Valve* valve) {
  fittings_.valve = valve;
  if (valve != nullptr && !bytes_.empty()) valve->hold(std::exchange(bytes_, Buffer()));
}

void BodyPipe::let_through(Buffer bytes) {
  bytes_.append(std::move(bytes));
  wake_reader();
}

void BodyPipe::promise(std::uint64_t bytes) {
  bounds_.promised = bytes;
  set_limit(bytes);
}

void BodyPipe::revoke_end() {
  state_.end = End::kFailed;
  trailers_.clear();
  wake_reader();
}

void BodyPipe::taken(std::size_t count) {
  read_ += count;
  credit_ += count;
  if (const std::size_t left = queued(); state_.last_words > left) {
    credit_ -= state_.last_words - left;
    state_.last_words = left;
  }
  wake_writer();
}

void BodyPipe::wake_writer() const {
  if (wakers_.writer != nullptr) wakers_.writer->wake();
  if (wakers_.watcher != nullptr) wakers_.watcher->wake();
}

void BodyPipe::wake_reader() const {
  if (wakers_.reader != nullptr) wakers_.reader->wake();
  if (wakers_.watcher != nullptr) wakers_.watcher->wake();
}

}  // namespace gatehouse
