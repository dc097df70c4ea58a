// What an instance writes to its standard output and error: always read, so that the app never waits for long, and
// passed on as lines, at a bounded rate ("N lines dropped"); the last 64 KiB are kept for who asks why it ended. Member
// of the Instance; control thread.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/result.h"
#include "common/timer.h"
#include "proxy/apps/app_spec.h"
#include "proxy/apps/files/output_file.h"
#include "proxy/apps/line_cutter.h"

namespace gatehouse {

// The end of what has been written so far.
class LastOutput {
 public:
  static constexpr std::size_t kMost = 64UL * 1024;
  void add(std::string_view bytes);
  std::string text() const;

 private:
  std::string bytes_;  // up to twice as many as are told
};

class LogPipe {
 public:
  struct Rate {  // within a second
    std::uint64_t lines = 1000;
    std::uint64_t bytes = 1024UL * 1024;
  };
  struct Setting {
    std::string app;
    std::uint32_t slot = 0;
    AppOutput kind = AppOutput::kLog;
    OutputFile* file = nullptr;  // kFile
    Rate rate{};
    std::function<void(const std::string&)> write;  // kLog; a whole line with its tags. Empty: the program's log
  };

  LogPipe(EventLoop& loop, Setting setting);

  Result<> open();  // before the spawn
  int out() const { return streams_[0].child_end.get(); }
  int err() const { return streams_[1].child_end.get(); }
  void started(pid_t pid);  // after it
  void finish();            // reads what is there, and passes on what has no newline yet
  std::string last_output() const { return last_.text(); }

 private:
  struct Stream {
    explicit Stream(const char* stream_name, std::move_only_function<void(std::string_view)> line)
        : name(stream_name), cutter(std::move(line)) {}
    const char* name;
    Fd child_end;
    Fd our_end;
    bool more = false;  // stopped reading before would-block
    LineCutter cutter;
    std::unique_ptr<IoWatcher> watcher;
  };

  void read_from(Stream& stream, std::size_t most);
  void on_line(const char* stream, std::string_view line);
  void pass_on(const char* stream, std::string_view line);
  void on_second();

  EventLoop& loop_;
  Setting setting_;
  pid_t pid_ = 0;
  Rate used_{.lines = 0, .bytes = 0};  // in this second
  std::uint64_t dropped_ = 0;
  LastOutput last_;
  std::array<Stream, 2> streams_;
  Timer continue_reading_;
  Timer second_;
};

}  // namespace gatehouse
