#include "proxy/frontend/h3/h3_decoder_stream.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cassert>

namespace gatehouse {

std::size_t H3DecoderStream::parts(nghttp3_vec* parts, std::size_t max) const {
  constexpr std::size_t kMostRuns = 4;
  std::array<iovec, kMostRuns> runs;
  const auto count = static_cast<std::size_t>(bytes_.iovecs(runs.data(), static_cast<int>(std::min(max, kMostRuns))));
  std::size_t skip = sent_;
  std::size_t filled = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t skipped = std::min(skip, runs[i].iov_len);
    skip -= skipped;
    if (skipped == runs[i].iov_len) continue;
    parts[filled++] = {.base = static_cast<std::uint8_t*>(runs[i].iov_base) + skipped,
                       .len = runs[i].iov_len - skipped};
  }
  return filled;
}

void H3DecoderStream::on_acknowledged(std::size_t bytes) {
  if (bytes == 0) return;
  if (!type_acknowledged_) {
    type_acknowledged_ = true;
    --bytes;
  }
  assert(bytes <= sent_);
  bytes_.consume(bytes);
  sent_ -= bytes;
}

}  // namespace gatehouse
