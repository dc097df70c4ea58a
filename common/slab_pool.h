// Where Buffer's memory comes from: slabs of one size with a plain reference count, kept in a bounded free list of the
// thread. Every holder of a Segment holds one reference. `used` is the slab's high-water mark: bytes below it may
// belong to somebody, bytes above it to nobody, and only the holder of a segment that ends there (or the only holder)
// may extend into them. Small texts of all Buffers of the thread share one slab, the scratch slab, so that a frame
// header of nine bytes does not cost 16 KiB; the pool holds a reference to it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/buffer.h"

namespace gatehouse {

struct Slab {
  std::uint32_t references;
  std::uint32_t used;
  Slab* next_free;
  char bytes[Buffer::kSlabSize];
};

namespace slab_pool {

inline constexpr std::size_t kMaxKept = 256;  // free slabs kept per thread

Slab* take();  // one reference, used == 0, contents undefined
void release(Slab* slab);
inline void share(Slab* slab) {
  ++slab->references;
}

// The slab that small texts share, with at least `room` unused bytes; the caller shares it and moves `used` on.
Slab* scratch(std::size_t room);

std::size_t kept();         // free slabs of this thread
std::size_t outstanding();  // slabs of this thread that somebody holds, the scratch slab not counted

}  // namespace slab_pool

}  // namespace gatehouse
