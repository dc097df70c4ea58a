#include "common/buffer.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "common/slab_pool.h"

namespace gatehouse {

namespace {

// A segment up to this size is copied where it fits: about as cheap as carrying it, and a chain of such segments would
// hold many times the memory of its bytes.
constexpr std::size_t kCopyUpTo = 1024;
// A longer text gets a slab of its own rather than a place in the scratch slab.
constexpr std::size_t kScratchUpTo = 1024;

}  // namespace

Buffer::Buffer(Buffer&& other) noexcept
    : heap_(std::move(other.heap_)),
      first_(std::exchange(other.first_, 0)),
      count_(std::exchange(other.count_, 0)),
      capacity_(std::exchange(other.capacity_, kInline)),
      size_(std::exchange(other.size_, 0)) {
  std::copy(std::begin(other.inline_), std::end(other.inline_), std::begin(inline_));
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this == &other) return *this;
  clear();
  std::copy(std::begin(other.inline_), std::end(other.inline_), std::begin(inline_));
  heap_ = std::move(other.heap_);
  first_ = std::exchange(other.first_, 0);
  count_ = std::exchange(other.count_, 0);
  capacity_ = std::exchange(other.capacity_, kInline);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

void Buffer::append(std::string_view bytes) {
  bytes.remove_prefix(fill_last(bytes));
  if (bytes.empty()) return;
  if (bytes.size() <= kScratchUpTo) {
    Slab* slab = slab_pool::scratch(bytes.size());
    slab_pool::share(slab);
    push({.slab = slab, .begin = slab->used, .end = slab->used});
    fill_last(bytes);
    return;
  }
  while (!bytes.empty()) {
    push({.slab = slab_pool::take(), .begin = 0, .end = 0});
    bytes.remove_prefix(fill_last(bytes));
  }
}

void Buffer::append(Buffer&& other) {
  assert(this != &other);
  if (empty() && capacity_ <= other.capacity_) {
    *this = std::move(other);
    return;
  }
  for (std::uint32_t i = 0; i < other.count_; ++i) append_segment(other.segments()[other.first_ + i]);
  other.first_ = 0;
  other.count_ = 0;
  other.size_ = 0;
}

// Takes over the segment's reference.
void Buffer::append_segment(const Segment& segment) {
  const std::uint32_t length = segment.end - segment.begin;
  if (count_ > 0 && last().slab == segment.slab && last().end == segment.begin) {
    last().end = segment.end;  // what was split comes together again
    size_ += length;
    slab_pool::release(segment.slab);
  } else if (length <= kCopyUpTo && last_may_grow() && kSlabSize - last().end >= length) {
    fill_last({segment.slab->bytes + segment.begin, length});
    slab_pool::release(segment.slab);
  } else {
    push(segment);
    size_ += length;
  }
}

Buffer Buffer::split(std::size_t count) {
  assert(count <= size_);
  Buffer front;
  if (count == size_) {
    std::swap(front, *this);
    return front;
  }
  while (count > 0) {
    Segment& segment = segments()[first_];
    const std::size_t length = segment.end - segment.begin;
    if (length <= count) {
      front.push(segment);
      front.size_ += length;
      ++first_;
      --count_;
      size_ -= length;
      count -= length;
    } else {
      const auto part = static_cast<std::uint32_t>(count);
      slab_pool::share(segment.slab);
      front.push({.slab = segment.slab, .begin = segment.begin, .end = segment.begin + part});
      front.size_ += count;
      segment.begin += part;
      size_ -= count;
      count = 0;
    }
  }
  return front;
}

void Buffer::consume(std::size_t count) {
  assert(count <= size_);
  size_ -= count;
  while (count > 0) {
    Segment& segment = segments()[first_];
    const std::size_t length = segment.end - segment.begin;
    if (length > count) {
      segment.begin += static_cast<std::uint32_t>(count);
      return;
    }
    slab_pool::release(segment.slab);
    ++first_;
    --count_;
    count -= length;
  }
  if (count_ == 0) first_ = 0;
}

void Buffer::clear() {
  for (std::uint32_t i = 0; i < count_; ++i) slab_pool::release(segments()[first_ + i].slab);
  heap_.reset();
  capacity_ = kInline;
  first_ = 0;
  count_ = 0;
  size_ = 0;
}

std::span<char> Buffer::prepare(std::size_t at_least) {
  assert(at_least > 0 && at_least <= kSlabSize);
  drop_empty_last();
  if (!last_may_grow() || kSlabSize - last().end < at_least) push({.slab = slab_pool::take(), .begin = 0, .end = 0});
  const Segment& tail = last();
  tail.slab->used = kSlabSize;  // reserved: nobody else extends into it before commit()
  return {tail.slab->bytes + tail.end, kSlabSize - tail.end};
}

void Buffer::commit(std::size_t count) {
  assert(count_ > 0);
  Segment& tail = last();
  assert(count <= kSlabSize - tail.end);
  tail.end += static_cast<std::uint32_t>(count);
  tail.slab->used = tail.end;
  size_ += count;
  drop_empty_last();
}

std::string_view Buffer::front() const {
  if (empty()) return {};
  return run(0);
}

int Buffer::iovecs(struct iovec* out, int max) const {
  const int runs = std::min(max, static_cast<int>(count_));
  for (int i = 0; i < runs; ++i) {
    const Segment& segment = segments()[first_ + static_cast<std::uint32_t>(i)];
    out[i] = {.iov_base = segment.slab->bytes + segment.begin, .iov_len = segment.end - segment.begin};
  }
  return runs;
}

std::string Buffer::to_string() const {
  std::string text;
  text.reserve(size_);
  for_each([&](std::string_view run) { text += run; });
  return text;
}

std::string_view Buffer::run(std::uint32_t index) const {
  const Segment& segment = segments()[first_ + index];
  return {segment.slab->bytes + segment.begin, segment.end - segment.begin};
}

bool Buffer::last_may_grow() {
  if (count_ == 0) return false;
  const Segment& tail = last();
  return tail.end == tail.slab->used || tail.slab->references == 1;
}

// Returns how many of `bytes` the room of the last slab took.
std::size_t Buffer::fill_last(std::string_view bytes) {
  if (bytes.empty() || !last_may_grow()) return 0;
  Segment& tail = last();
  const std::size_t length = std::min(bytes.size(), kSlabSize - tail.end);
  std::memcpy(tail.slab->bytes + tail.end, bytes.data(), length);
  tail.end += static_cast<std::uint32_t>(length);
  tail.slab->used = tail.end;
  size_ += length;
  return length;
}

void Buffer::push(Segment segment) {
  if (first_ + count_ == capacity_) make_slot();
  segments()[first_ + count_] = segment;
  ++count_;
}

void Buffer::make_slot() {
  if (first_ > 0 && first_ >= count_) {
    std::copy(segments() + first_, segments() + first_ + count_, segments());
  } else {
    const std::uint32_t wider = capacity_ * 4;
    auto longer = std::make_unique_for_overwrite<Segment[]>(wider);
    std::copy(segments() + first_, segments() + first_ + count_, longer.get());
    heap_ = std::move(longer);
    capacity_ = wider;
  }
  first_ = 0;
}

void Buffer::drop_empty_last() {
  if (count_ == 0 || last().begin != last().end) return;
  slab_pool::release(last().slab);
  --count_;
  if (count_ == 0) first_ = 0;
}

}  // namespace gatehouse
