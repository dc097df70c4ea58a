// PROXY headers: whatever comes, the verdict is the same byte by byte, nothing beyond the header is looked at, and what
// is read is bounded.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "proxy/frontend/accept/proxy_header.h"

namespace gatehouse {
namespace {

void require(bool holds, std::string_view what) {
  if (holds) return;
  std::cerr << what << "\n";
  std::abort();
}

bool same(const proxy_header::Header& a, const proxy_header::Header& b) {
  return a.size == b.size && a.source == b.source && a.destination == b.destination && a.authority == b.authority &&
         a.alpn == b.alpn && a.unique_id == b.unique_id;
}

void check(std::string_view bytes) {
  const auto whole = proxy_header::read(bytes);
  if (whole && *whole) {
    const proxy_header::Header& header = **whole;
    require(header.size <= bytes.size() && header.size <= proxy_header::kLongest, "larger than what there is");
    require(header.source.has_value() == header.destination.has_value(), "only one of the addresses");
    require(header.authority.size() <= 255 && header.alpn.size() <= 255 && header.unique_id.size() <= 128, "too long");
    const auto alone = proxy_header::read(bytes.substr(0, header.size));
    require(alone && *alone && same(header, **alone), "it depends on what is behind it");
    require(proxy_header::begins(bytes), "one that does not begin like one");
  }
  for (std::size_t size = 0; size < bytes.size() && size <= proxy_header::kLongest; ++size) {
    const auto part = proxy_header::read(bytes.substr(0, size));
    if (part && !*part) continue;
    require(part.has_value() == whole.has_value(), "what follows changes the verdict");
    if (!part) return require(part.error() == whole.error(), "what follows changes the reason");
    return require(*whole && same(**part, **whole), "what follows changes the header");
  }
  require(!whole || *whole || bytes.size() < proxy_header::kLongest, "never decided");
}

}  // namespace
}  // namespace gatehouse

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gatehouse::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
