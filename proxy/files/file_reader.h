// Fills the pipe of an answer from an open file, in pieces: texts and ranges of its bytes, as far as there is room. What
// is in the kernel's cache is read on the loop, what is not on a thread of the pool. Member of who answers; one loop's
// thread.
//
//   room --preadv2(RWF_NOWAIT)--> bytes --> pipe --~~room~~--> and so on, then finish()
//              | not cached                  ^
//              +--> pool: pread -------------+
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "common/fd.h"
#include "common/loop_question.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/files/file_pool.h"
#include "proxy/http/conditional/byte_ranges.h"
#include "proxy/http/exchange/exchange.h"

namespace gatehouse {

// A text, and then bytes of the file; either may be empty.
struct FilePiece {
  std::string text = {};
  ByteRange range = {};
};

class FileReader {
 public:
  // `failed` is called at most once, and must not destroy this: the file cannot be read (errno), it is shorter than it was (0), or
  // it did not come in time (ETIMEDOUT). `lane` outlives it.
  FileReader(Exchange& exchange, const FileLane& lane, std::move_only_function<void(int)> failed);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  // Sends all of it, and ends the pipe. REQUIRES: called once, behind the head of the answer
  void send(Fd file, std::deque<FilePiece> pieces);

 private:
  struct Read {
    std::unique_ptr<char[]> bytes;
    // As of pread(2), and its errno.
    std::int64_t count = 0;
    int error = 0;
  };
  // What one call for bytes of the cache brought.
  enum class Cached : std::uint8_t { kSome, kNone, kFailed };

  void pump();
  // Sends what there is room for of the first piece; false: nothing more can be done now.
  bool step();
  Cached read_cached(std::size_t most);
  void ask_pool(std::size_t most);
  void on_read(Read read);
  void advance(std::uint64_t count);
  void fail(int error);

  Exchange& exchange_;
  const FileLane& lane_;
  std::move_only_function<void(int)> failed_;
  // Shared with an errand that may outlive us.
  std::shared_ptr<const Fd> file_;
  std::deque<FilePiece> pieces_;
  Waker waker_;
  LoopQuestion<Read> question_;
  Timer patience_;
};

}  // namespace gatehouse
