#include "common/crypto/tls_records.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace gatehouse::tls_records {

namespace {

constexpr std::size_t kWorthwhileRun = 4 * 1024;  // a run from this size on is encrypted where it lies

thread_local std::array<char, kLargest> staging;

}  // namespace

std::string_view gather(const Buffer& from, std::size_t limit) {
  const std::size_t enough = std::min(limit, kWorthwhileRun);
  if (from.front().size() >= std::min(enough, from.size())) return from.front().substr(0, limit);
  std::size_t size = 0;
  bool full = false;
  from.for_each([&](std::string_view run) {
    if (full) return;
    if (run.size() > limit - size) {
      run = run.substr(0, size < enough ? enough - size : 0);
      full = true;
    }
    std::memcpy(staging.data() + size, run.data(), run.size());
    size += run.size();
  });
  return {staging.data(), size};
}

}  // namespace gatehouse::tls_records
