// Memory for nghttp2's sessions. As malloc's, but for large blocks: of the frame buffer of 16 KiB that a session keeps
// for life it seldom uses more than a page, so that it gets pages of its own from the kernel; those that nobody writes
// to never become memory. Any thread.
#pragma once

#include <nghttp2/nghttp2.h>

namespace gatehouse {

nghttp2_mem* h2_memory();

}  // namespace gatehouse
