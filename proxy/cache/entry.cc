#include "proxy/cache/entry.h"

namespace gatehouse::cache {

// A little more than it is, for what allocators and lists add.
std::size_t Entry::bytes() const {
  constexpr std::size_t kOverhead = 256;
  std::size_t bytes = sizeof(Entry) + kOverhead + head.reason.size() + head.fields.section_size() + text().size();
  for (const std::string& name : vary) bytes += sizeof(std::string) + name.size();
  return bytes;
}

}  // namespace gatehouse::cache
