// How bytes are cut into records of TLS: which of them go into the next one. TlsStream says how large it is to be. Any
// thread.
#pragma once

#include <cstddef>
#include <string_view>

#include "common/buffer.h"

namespace gatehouse::tls_records {

// What a record holds at most (RFC 8446 section 5.1).
inline constexpr std::size_t kLargest = 16 * 1024;

// Returns the first bytes of `from`, at most `limit`, for one record. Small runs are put together in memory of the
// thread, which is the next call's; of a large one only as much goes with them as makes the record worth while, so that
// the rest of it need not be copied. REQUIRES: `from` is not empty, 0 < limit <= kLargest
std::string_view gather(const Buffer& from, std::size_t limit);

}  // namespace gatehouse::tls_records
