#include "proxy/frontend/quic/quic_memory.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace gatehouse {

// In front of each block.
struct alignas(std::max_align_t) QuicMemory::Header {
  std::size_t size;
  bool of_client;
};

struct QuicMemory::Functions {
  static Header* header_of(void* block) { return static_cast<Header*>(block) - 1; }

  static void* allocate(std::size_t size, void* self) {
    if (size > SIZE_MAX - sizeof(Header)) return nullptr;
    return begin(static_cast<Header*>(std::malloc(sizeof(Header) + size)), size, self);
  }
  static void* allocate_zeroed(std::size_t count, std::size_t size, void* self) {
    if (size != 0 && count > (SIZE_MAX - sizeof(Header)) / size) return nullptr;
    return begin(static_cast<Header*>(std::calloc(1, sizeof(Header) + count * size)), count * size, self);
  }
  static void release(void* block, void* self) {
    if (block == nullptr) return;
    Header* const header = header_of(block);
    if (header->of_client) static_cast<QuicMemory*>(self)->held_ -= header->size;
    std::free(header);
  }
  static void* reallocate(void* block, std::size_t size, void* self) {
    void* const moved = allocate(size, self);
    if (block == nullptr || moved == nullptr) return moved;
    std::memcpy(moved, block, std::min(size, header_of(block)->size));
    release(block, self);
    return moved;
  }

  static void* begin(Header* header, std::size_t size, void* self) {
    if (header == nullptr) return nullptr;
    auto& memory = *static_cast<QuicMemory*>(self);
    header->size = size;
    header->of_client = memory.reading_;
    if (memory.reading_) memory.held_ += size;
    return header + 1;
  }
};

QuicMemory::QuicMemory()
    : interface_{.user_data = this,
                 .malloc = Functions::allocate,
                 .free = Functions::release,
                 .calloc = Functions::allocate_zeroed,
                 .realloc = Functions::reallocate} {}

}  // namespace gatehouse
