// One direction of one exchange: bytes, then an end with trailers, or a break. A bounded queue between a codec and the
// upstream half; room() is the only limit that makes either side stop (invariant I7). Owned by the Exchange; both ends
// on its loop's thread. Each end may have a waker, and is told of the other's progress through it, never by a call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/buffer.h"
#include "proxy/http/field_list.h"

namespace gatehouse {

class Waker;
class BodyPipe;

class BodyWriter {
 public:
  std::size_t room() const;   // bytes that write() may take now; 0 also once abandoned or ended
  std::size_t take_credit();  // bytes that the reader has taken (or dropped) since the last call: window to give back
  void write(Buffer bytes);   // may exceed room() by one read (h2 windows make that impossible there); never refused
  void finish(FieldList trailers = {});
  void fail();                   // no more will come and the body is not complete
  bool ended() const;            // finish() or fail() was called
  bool abandoned() const;        // the reader wants no more: stop reading the source
  std::uint64_t total() const;   // bytes written so far
  void set_waker(Waker* waker);  // woken when room has grown or the reader has abandoned; null: nobody

 private:
  friend class BodyPipe;
  explicit BodyWriter(BodyPipe& pipe) : pipe_(pipe) {}
  BodyPipe& pipe_;
};

class BodyReader {
 public:
  std::size_t available() const;
  Buffer read(std::size_t max);
  // For a socket that takes only some of what is offered: look, then drop what left.
  const Buffer& peek() const;
  void consume(std::size_t count);
  bool finished() const;         // the end is known (more bytes may be available)
  bool at_end() const;           // finished and everything read
  bool failed() const;           // fail() was called; what is available may still be read
  FieldList& trailers();         // after finished()
  void abandon();                // what is available is dropped, as is what comes later
  std::uint64_t total() const;   // bytes read so far
  void set_waker(Waker* waker);  // woken when bytes, the end or a break have come

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

  // For the exchange. No more than `bytes` ever reach the reader: what exceeds them is dropped, and an end that follows
  // counts as a break.
  void set_limit(std::uint64_t bytes);
  bool over_limit() const { return state_.over_limit; }
  void set_watcher(Waker* watcher) { wakers_.watcher = watcher; }  // woken by whatever either end does

 private:
  friend class BodyWriter;
  friend class BodyReader;
  enum class End : std::uint8_t { kOpen, kFinished, kFailed };
  struct State {
    End end = End::kOpen;
    bool abandoned = false;
    bool over_limit = false;
  };
  struct Wakers {
    Waker* writer = nullptr;
    Waker* reader = nullptr;
    Waker* watcher = nullptr;
  };
  void taken(std::size_t count);  // by the reader
  void wake_writer() const;
  void wake_reader() const;

  std::size_t capacity_;
  std::uint64_t limit_ = UINT64_MAX;
  Buffer bytes_;
  std::uint64_t written_ = 0;
  std::uint64_t read_ = 0;
  std::size_t credit_ = 0;
  State state_;
  FieldList trailers_;
  Wakers wakers_;
  BodyWriter writer_{*this};
  BodyReader reader_{*this};
};

}  // namespace gatehouse
