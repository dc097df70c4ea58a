// Bytes on the move: a chain of segments in reference-counted slabs that come from a pool of the thread (slab_pool.h).
// Moving and splitting a chain copies no bytes; joining two copies only small segments. An empty Buffer holds no slab.
//
//   Buffer    segment [begin, end)   segment [begin, end)   segment [begin, end)
//                 |                      |                      |
//   slabs     [ ..#######.... ]      [ ################ ]   [ ####......... ]   <- append() and prepare() go on here
//
// A value. The counts of slabs are plain integers, so that a Buffer stays on the thread that filled it.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace gatehouse {

struct Slab;

class Buffer {
 public:
  static constexpr std::size_t kSlabSize = 16 * 1024;

  Buffer() = default;
  explicit Buffer(std::string_view text) { append(text); }
  // Leaves `other` empty and usable, as does the assignment.
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { clear(); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Copies `bytes`: first into the room of the last slab, then into others.
  void append(std::string_view bytes);
  // Takes all of `other`, which is empty then. Segments move; those of at most 1 KiB are copied where the last slab has
  // room, so that chains stay short and slabs full. REQUIRES: `other` is another Buffer
  void append(Buffer&& other);
  // Takes the first `count` bytes out and returns them. REQUIRES: count <= size()
  Buffer split(std::size_t count);
  // Drops the first `count` bytes. REQUIRES: count <= size()
  void consume(std::size_t count);
  // Drops all bytes and gives back all memory.
  void clear();

  // Returns contiguous room at the end for a read: at least `at_least` bytes, and as many as the slab has. Nothing else
  // may be done with this buffer until commit(). REQUIRES: 0 < at_least <= kSlabSize
  std::span<char> prepare(std::size_t at_least);
  // Says how many bytes were written to the front of that room; with 0 it is given back. REQUIRES: prepare() was called
  void commit(std::size_t count);

  // The first contiguous run; empty only if the buffer is. Valid until the buffer changes.
  std::string_view front() const;
  // Fills up to `max` entries with the first runs, for writev(2); returns how many.
  int iovecs(struct iovec* out, int max) const;
  // Calls visit(std::string_view) for each run in order; `visit` must not change the buffer.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::uint32_t i = 0; i < count_; ++i) visit(run(i));
  }
  // Returns a copy in one piece: for tests and small texts.
  std::string to_string() const;

 private:
  struct Segment {
    Slab* slab;
    std::uint32_t begin;
    std::uint32_t end;
  };

  Segment* segments() { return heap_ ? heap_.get() : inline_; }
  const Segment* segments() const { return heap_ ? heap_.get() : inline_; }
  Segment& last() { return segments()[first_ + count_ - 1]; }
  std::string_view run(std::uint32_t index) const;
  bool last_may_grow();
  std::size_t fill_last(std::string_view bytes);
  void append_segment(const Segment& segment);
  void push(Segment segment);
  void make_slot();
  void drop_empty_last();

  static constexpr std::uint32_t kInline = 2;
  Segment inline_[kInline] = {};
  // Takes the place of inline_ when the chain gets longer, until clear().
  std::unique_ptr<Segment[]> heap_;
  // Where the chain begins. The table is no ring: consumed segments stay in front until it is full, then all move up.
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t capacity_ = kInline;
  std::size_t size_ = 0;
};

}  // namespace gatehouse
