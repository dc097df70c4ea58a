#include "proxy/frontend/h2/h2_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace gatehouse {

namespace {

constexpr std::size_t kLarge = 16UL * 1024;

// In front of a large block. It is half as long as malloc's alignment: by that a large block is known.
struct alignas(8) Header {
  std::size_t mapped;
};
static_assert(sizeof(Header) == alignof(std::max_align_t) / 2);

bool is_large(const void* block) {
  return reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t) != 0;
}

Header* header_of(void* large) {
  return static_cast<Header*>(large) - 1;
}

void* allocate(std::size_t size, void* /*user*/) {
  if (size < kLarge) return std::malloc(size);
  if (size > SIZE_MAX - sizeof(Header)) return nullptr;
  const std::size_t whole = size + sizeof(Header);
  void* const pages = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
  auto* const header = static_cast<Header*>(pages);
  header->mapped = whole;
  return header + 1;
}

void release(void* block, void* /*user*/) {
  if (!is_large(block)) return std::free(block);
  Header* const header = header_of(block);
  ::munmap(header, header->mapped);
}

void* allocate_zeroed(std::size_t count, std::size_t size, void* user) {
  if (size != 0 && count > SIZE_MAX / size) return nullptr;
  if (count * size < kLarge) return std::calloc(count, size);
  return allocate(count * size, user);  // pages come zeroed
}

void* reallocate(void* block, std::size_t size, void* user) {
  // What malloc has begun stays with it: it knows how large the block was.
  if (block == nullptr) return allocate(size, user);
  if (!is_large(block)) return std::realloc(block, size);
  void* const moved = allocate(size, user);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, block, std::min(size, header_of(block)->mapped - sizeof(Header)));
  release(block, user);
  return moved;
}

}  // namespace

nghttp2_mem* h2_memory() {
  static nghttp2_mem memory{
      .mem_user_data = nullptr, .malloc = allocate, .free = release, .calloc = allocate_zeroed, .realloc = reallocate};
  return &memory;
}

}  // namespace gatehouse
