// Bytes on the move: a chain of segments in reference-counted slabs that come from a pool of the thread. Moving,
// splitting and joining chains never copies the bytes. An empty Buffer holds no slab. Not for use across threads.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace gatehouse {

struct Slab;  // kSlabSize bytes with a reference count, see slab_pool.h

class Buffer {
 public:
  static constexpr std::size_t kSlabSize = 16 * 1024;

  Buffer() = default;
  explicit Buffer(std::string_view text) { append(text); }
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { clear(); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  void append(std::string_view bytes);  // copies, into the room of the last slab first
  void append(Buffer&& other);  // moves every segment; small ones may be copied, to keep chains short and slabs full
  Buffer split(std::size_t count);  // the first `count` bytes leave; REQUIRES: count <= size()
  void consume(std::size_t count);  // drops the first `count` bytes; REQUIRES: count <= size()
  void clear();

  // Contiguous room at the end for a read: at least `at_least` bytes (REQUIRES: 0 < at_least <= kSlabSize). Nothing
  // else may be done with this buffer until commit() says how many came (0 as well: it gives the room back).
  std::span<char> prepare(std::size_t at_least);
  void commit(std::size_t count);

  std::string_view front() const;  // the first contiguous run; empty only if the buffer is
  // Fills up to `max` entries with the first runs; returns how many.
  int iovecs(struct iovec* out, int max) const;
  // Calls visit(std::string_view) for each run in order; `visit` must not change the buffer.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::uint32_t i = 0; i < count_; ++i) visit(run(i));
  }
  std::string to_string() const;  // a copy; for tests and small texts

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
  std::unique_ptr<Segment[]> heap_;  // takes the place of inline_ when the chain gets longer; kept until clear()
  std::uint32_t first_ = 0;          // no ring: consumed segments are skipped, and shifted out when place is needed
  std::uint32_t count_ = 0;
  std::uint32_t capacity_ = kInline;
  std::size_t size_ = 0;
};

}  // namespace gatehouse
