// Link fields of endpoints: every link lies in the value, in order and without overlap, and says by itself what it said
// among the others, as it is sent alone in a 103.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "proxy/forward/link_field.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gatehouse::Link;
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  const char* end = value.data();
  for (const Link& link : gatehouse::links_of(value)) {
    if (link.text.data() < end || !link.text.starts_with('<')) std::abort();
    end = link.text.data() + link.text.size();
    if (end > value.data() + value.size()) std::abort();
    const auto alone = gatehouse::links_of(link.text);
    const bool same = alone.size() == 1 && alone[0].target == link.target && alone[0].relations == link.relations &&
                      alone[0].nopush == link.nopush && alone[0].anchored == link.anchored;
    if (!same) std::abort();
  }
  return 0;
}
