#include "common/slab_pool.h"

#include <sanitizer/asan_interface.h>

#include <cassert>
#include <memory>
#include <utility>

namespace gatehouse::slab_pool {

namespace {

// Trivially destructible, so that Buffers that die after the thread's other objects still find it.
struct Pool {
  Slab* free = nullptr;
  std::size_t kept = 0;
  std::size_t outstanding = 0;
  Slab* scratch = nullptr;
  bool closed = false;  // the thread is ending: keep nothing any more
};

constinit thread_local Pool pool;

void destroy(Slab* slab) {
  ASAN_UNPOISON_MEMORY_REGION(slab->bytes, sizeof slab->bytes);
  const std::unique_ptr<Slab> last_owner(slab);
}

struct Closer {
  Closer() = default;
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;
  ~Closer() {
    pool.closed = true;
    if (Slab* slab = std::exchange(pool.scratch, nullptr)) {
      ++pool.outstanding;
      release(slab);
    }
    while (Slab* slab = pool.free) {
      pool.free = slab->next_free;
      destroy(slab);
    }
    pool.kept = 0;
  }
  void touch() const {}
};

Slab* make() {
  thread_local const Closer kCloser;
  kCloser.touch();
  return std::make_unique_for_overwrite<Slab>().release();
}

}  // namespace

Slab* take() {
  Slab* slab = pool.free;
  if (slab != nullptr) {
    pool.free = slab->next_free;
    --pool.kept;
    ASAN_UNPOISON_MEMORY_REGION(slab->bytes, sizeof slab->bytes);
  } else {
    slab = make();
  }
  slab->references = 1;
  slab->used = 0;
  slab->next_free = nullptr;
  ++pool.outstanding;
  return slab;
}

void release(Slab* slab) {
  assert(slab->references > 0);
  if (--slab->references > 0) return;
  --pool.outstanding;
  if (pool.closed || pool.kept >= kMaxKept) {
    destroy(slab);
    return;
  }
  ASAN_POISON_MEMORY_REGION(slab->bytes, sizeof slab->bytes);
  slab->next_free = pool.free;
  pool.free = slab;
  ++pool.kept;
}

Slab* scratch(std::size_t room) {
  assert(room <= Buffer::kSlabSize);
  Slab*& current = pool.scratch;
  if (current != nullptr && current->references == 1) current->used = 0;  // all texts in it are gone
  if (current != nullptr && Buffer::kSlabSize - current->used < room) {
    ++pool.outstanding;  // from now on it is a slab like any other
    release(current);
    current = nullptr;
  }
  if (current == nullptr) {
    current = take();
    --pool.outstanding;
  }
  return current;
}

std::size_t kept() {
  return pool.kept;
}
std::size_t outstanding() {
  return pool.outstanding;
}

}  // namespace gatehouse::slab_pool
