// Memory for nghttp2's sessions. As malloc's, but for large blocks: of the frame buffer of 16 KiB that a session
// keeps for life it seldom uses more than a page, so that it gets pages of its own from the kernel; those that nobody
// writes to never become memory. Any thread.
//
//   below 16 KiB:    malloc
//   from there on:   mmap [ size | block ... ]     8 behind malloc's alignment: by that a large block is known
#pragma once

#include <nghttp2/nghttp2.h>

namespace gatehouse {

// Returns the one table for all sessions; it lives as long as the process.
nghttp2_mem* h2_memory();

}  // namespace gatehouse
