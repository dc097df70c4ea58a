// What an instance writes to its standard output and error: always read, so that the app never waits for long, and
// passed on as lines, at a bounded rate ("N lines dropped"); the last 64 KiB are kept for who asks why it ended.
// Member of the Instance; control thread.
//
//   child --stdout, stderr--> pipes --> LineCutter --> rate --> log or OutputFile    (kOff: to nowhere)
//                                 +--> LastOutput
//
// With AppOutput::kInherit there are no pipes: the child writes to where we do, and nothing is kept.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/result.h"
#include "common/timer.h"
#include "proxy/apps/app_spec.h"
#include "proxy/apps/files/output_file.h"
#include "proxy/apps/line_cutter.h"

namespace gatehouse {

// The end of what has been written so far, of both streams in the order in which they were read.
class LastOutput {
 public:
  static constexpr std::size_t kMost = 64UL * 1024;
  void add(std::string_view bytes);
  // The last kMost bytes, or all if there are fewer.
  std::string text() const;

 private:
  // Up to twice as many as are told, so that bytes are moved rarely.
  std::string bytes_;
};

class LogPipe {
 public:
  // What is passed on within a second; lines beyond either are dropped and counted.
  struct Rate {
    std::uint64_t lines = 1000;
    std::uint64_t bytes = 1024UL * 1024;
  };
  struct Setting {
    std::string app;
    // What a hook is run for; empty: this is an instance.
    std::string_view hook{};
    std::uint32_t slot = 0;
    AppOutput kind = AppOutput::kLog;
    // With kFile: where lines go. It outlives the pipe.
    OutputFile* file = nullptr;
    Rate rate{};
    // With kLog: gets a whole line with its tags ("app NAME slot N pid N stdout: ..."). Empty: the program's log.
    std::function<void(const std::string&)> write;
  };

  LogPipe(EventLoop& loop, Setting setting);

  // What is never passed on, whatever the app writes of it; "": nothing. To be called before the spawn.
  void hide(std::string secret) { secret_ = std::move(secret); }
  // Makes the pipes. To be called once, before the spawn.
  Result<> open();
  // The child's ends, -1 with kInherit and after started().
  int out() const { return streams_[0].child_end.get(); }
  int err() const { return streams_[1].child_end.get(); }
  // To be called after the spawn: closes the child's ends here, so that the pipes end when the child's tree does.
  void started(pid_t pid);
  // To be called when the process has ended: reads what is there without waiting for more, passes on what has no
  // newline yet, and closes the pipes.
  void finish();
  std::string last_output() const { return veiled(last_.text()); }

 private:
  struct Stream {
    explicit Stream(const char* stream_name, std::move_only_function<void(std::string_view)> line)
        : name(stream_name), cutter(std::move(line)) {}
    const char* name;
    Fd child_end;
    Fd our_end;
    // True if reading has stopped although there may be more: others on the loop have their turn first.
    bool more = false;
    LineCutter cutter;
    std::unique_ptr<IoWatcher> watcher;
  };

  void read_from(Stream& stream, std::size_t most);
  void on_line(const char* stream, std::string_view line);
  std::string veiled(std::string text) const;
  void pass_on(const char* stream, std::string_view line);
  void on_second();

  EventLoop& loop_;
  Setting setting_;
  std::string secret_;
  pid_t pid_ = 0;
  // What was passed on in the second that runs.
  Rate used_{.lines = 0, .bytes = 0};
  std::uint64_t dropped_ = 0;
  LastOutput last_;
  std::array<Stream, 2> streams_;
  Timer continue_reading_;
  Timer second_;
};

}  // namespace gatehouse
