// One direction of one exchange: bytes, then an end with trailers, or a break. A bounded queue between a codec and
// the upstream half; room() is the only limit that makes either side stop (invariant I7). Two of them belong to an
// Exchange (and two to a Probe); both ends are used on its loop's thread. An end is told of the other's progress by
// its waker, never by a call.
//
//                            +------------------------+
//   write() finish() fail()  | bytes, about           |  read() consume() abandon()
//   ------ BodyWriter -----> | `capacity` at most,    | --------- BodyReader ------>
//   <~~ room, abandoned ~~~~ | trailers, end or break | ~~~~ bytes, end, break ~~~~>
//                            +------------------------+       (~~ is a wake)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "common/buffer.h"
#include "proxy/http/exchange/body_filter.h"
#include "proxy/http/field_list.h"

namespace gatehouse {

class Waker;
class BodyPipe;
class Valve;
class WebSocketFrames;

class BodyWriter {
 public:
  // Returns how many bytes write() may take now; 0 once the body has ended, was abandoned, or is over its limit.
  std::size_t room() const;
  // Returns the bytes that the reader has taken, or that were dropped, since the last call: a codec with flow control
  // gives that much window back to the sender.
  std::size_t take_credit();
  // Takes all of `bytes`, even if they exceed room(): by one read, or on h2 by what the window of its stream lets in.
  // After abandon() or beyond the limit they are counted, credited and dropped. REQUIRES: !ended().
  void write(Buffer bytes);
  // As write() and finish(), for last words that are ours and not the sender's: they give no credit. REQUIRES: !ended()
  void finish_with(Buffer last_words);
  // The body is complete. A body that went over its limit counts as failed instead. REQUIRES: !ended().
  void finish(FieldList trailers = {});
  // No more will come, and the body is not complete. Does nothing after an end.
  void fail();
  // Whether finish() or fail() was called.
  bool ended() const;
  // Whether the reader wants no more: the writer stops reading its source.
  bool abandoned() const;
  // Counts the bytes written so far, dropped ones included.
  std::uint64_t total() const;
  // `waker` is woken when room has grown or the reader has abandoned; null: nobody is. It has to outlive the pipe or
  // be taken back with null.
  void set_waker(Waker* waker);

 private:
  friend class BodyPipe;
  explicit BodyWriter(BodyPipe& pipe) : pipe_(pipe) {}
  BodyPipe& pipe_;
};

class BodyReader {
 public:
  // Counts the bytes that can be read at once.
  std::size_t available() const;
  // Takes up to `max` bytes out, without copying them; empty if there are none.
  Buffer read(std::size_t max);
  // For a socket that takes only some of what it is offered: peek() shows what is available, and consume() drops what
  // has left. REQUIRES: count <= available().
  const Buffer& peek() const;
  void consume(std::size_t count);
  // The complete end is known; bytes may still be available.
  bool finished() const;
  // The body is complete and all of it has been read.
  bool at_end() const;
  // The body broke, or was over its limit when it ended. What is available may still be read.
  bool failed() const;
  // REQUIRES: finished(). The caller may move them away.
  FieldList& trailers();
  // Drops what is available and what comes later, and tells the writer so. Does nothing the second time.
  void abandon();
  // Counts the bytes that were read or consumed so far; dropped ones are not among them.
  std::uint64_t total() const;
  // `waker` is woken when bytes, the end or a break have come; null: nobody is. It has to outlive the pipe or be
  // taken back with null.
  void set_waker(Waker* waker);

 private:
  friend class BodyPipe;
  explicit BodyReader(BodyPipe& pipe) : pipe_(pipe) {}
  BodyPipe& pipe_;
};

class BodyPipe {
 public:
  static constexpr std::size_t kDefaultCapacity = 64 * 1024;

  explicit BodyPipe(std::size_t capacity = kDefaultCapacity) : capacity_(capacity) {}
  BodyPipe(const BodyPipe&) = delete;
  BodyPipe& operator=(const BodyPipe&) = delete;

  BodyWriter& writer() { return writer_; }
  const BodyWriter& writer() const { return writer_; }
  BodyReader& reader() { return reader_; }
  const BodyReader& reader() const { return reader_; }

  // For the exchange. No more than `bytes` ever reach the reader: from the write that exceeds them on all is dropped,
  // and an end that follows counts as a break. A limit below what has been written already drops what is queued.
  void set_limit(std::uint64_t bytes);
  // Exactly `bytes` have been promised to the reader: an end after more or fewer of them counts as a break.
  void promise(std::uint64_t bytes);
  // finish() drops the trailers that it gets.
  void refuse_trailers() { state_.takes_trailers = false; }
  bool over_limit() const { return state_.over_limit; }
  // For the exchange: what is written from now on is shown to `frames`; null: to nobody. They outlive the pipe, or are
  // taken back.
  void follow_frames(WebSocketFrames* frames) { fittings_.frames = frames; }
  // For the responder: what is written from now on goes through `filter`. Where that finds a fault the body ends with
  // what it says, and the writer finds it ended(). Bytes that it keeps to itself give no credit: it is for answers.
  void set_filter(std::unique_ptr<BodyFilter> filter) { fittings_.filter = std::move(filter); }
  const BodyFilter* filter() const { return fittings_.filter.get(); }
  // For the exchange: the end that was written just now, which nobody has looked at yet, is a break. What was written
  // before it may still be read.
  void revoke_end();
  // For the exchange: `watcher` is woken by whatever either end does; null: nobody is.
  void set_watcher(Waker* watcher) { wakers_.watcher = watcher; }
  // For a valve: what is in the pipe and what is written from now on is given to it, and comes back by let_through();
  // null: there is none any more, and whatever it holds is lost.
  void set_valve(Valve* valve);
  void let_through(Buffer bytes);
  // Bytes that a valve holds back.
  std::size_t held() const;

 private:
  friend class BodyWriter;
  friend class BodyReader;
  enum class End : std::uint8_t { kOpen, kFinished, kFailed };
  struct State {
    End end = End::kOpen;
    bool abandoned = false;
    bool over_limit = false;
    bool takes_trailers = true;
    // So many bytes at the end of the queue are ours.
    std::size_t last_words = 0;
  };
  // Of all that is ever written.
  struct Bounds {
    std::uint64_t most = UINT64_MAX;
    std::uint64_t promised = 0;
  };
  // What changes what is written, who sees it, and who holds it back, in this order.
  struct Fittings {
    std::unique_ptr<BodyFilter> filter;
    WebSocketFrames* frames = nullptr;
    Valve* valve = nullptr;
  };
  struct Wakers {
    Waker* writer = nullptr;
    Waker* reader = nullptr;
    Waker* watcher = nullptr;
  };
  // Bytes that are written and neither taken nor dropped.
  std::size_t queued() const;
  // All of them are dropped.
  void drop_queued();
  // The reader took `count` bytes out.
  void taken(std::size_t count);
  void wake_writer() const;
  void wake_reader() const;

  std::size_t capacity_;
  Bounds bounds_;
  Buffer bytes_;
  std::uint64_t written_ = 0;
  std::uint64_t read_ = 0;
  std::size_t credit_ = 0;
  State state_;
  Fittings fittings_;
  FieldList trailers_;
  Wakers wakers_;
  BodyWriter writer_{*this};
  BodyReader reader_{*this};
};

}  // namespace gatehouse
