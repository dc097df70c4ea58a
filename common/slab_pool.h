// Where Buffer's memory comes from: slabs of one size with a plain reference count, kept in a bounded free list of the
// thread. Every holder of a Segment holds one reference. `used` is the slab's high-water mark:
//
//   bytes:  [ segment | segment | gap | segment |             ]
//                                               ^ used
//
// Bytes below it may belong to somebody, bytes above it to nobody, and only the holder of a segment that ends there (or
// the only holder) may extend into them. Small texts of all Buffers of the thread share one slab, the scratch slab, so
// that a frame header of nine bytes does not cost 16 KiB; the pool holds a reference to it.
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

// Free slabs that a thread keeps at most, which is 4 MiB; those beyond go back to the heap.
inline constexpr std::size_t kMaxKept = 256;

// Returns a slab with one reference, `used` being 0 and its bytes undefined.
Slab* take();
// Gives a reference back; with the last one the slab is free. REQUIRES: the thread that took it
void release(Slab* slab);
// Adds a reference.
inline void share(Slab* slab) {
  ++slab->references;
}

// Returns the slab that small texts share, with at least `room` unused bytes; the caller shares it and moves `used` on.
// REQUIRES: room <= Buffer::kSlabSize
Slab* scratch(std::size_t room);

// Free slabs of this thread.
std::size_t kept();
// Slabs of this thread that somebody holds, not counting the scratch slab.
std::size_t outstanding();

}  // namespace slab_pool

}  // namespace gatehouse
