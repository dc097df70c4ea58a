#include "proxy/apps/log_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/log.h"

namespace gatehouse {

namespace {
constexpr std::size_t kAtOnce = 256UL * 1024;         // then others have their turn
constexpr std::size_t kAtTheEnd = 4UL * 1024 * 1024;  // more than a pipe can hold
constexpr Duration kPause = std::chrono::milliseconds(1);
constexpr Duration kSecond = std::chrono::seconds(1);
}  // namespace

void LastOutput::add(std::string_view bytes) {
  if (bytes.size() > kMost) bytes.remove_prefix(bytes.size() - kMost);
  bytes_ += bytes;
  if (bytes_.size() > 2 * kMost) bytes_.erase(0, bytes_.size() - kMost);
}

std::string LastOutput::text() const {
  return bytes_.substr(bytes_.size() - std::min(bytes_.size(), kMost));
}

LogPipe::LogPipe(EventLoop& loop, Setting setting)
    : loop_(loop),
      setting_(std::move(setting)),
      streams_{Stream("stdout", [this](std::string_view line) { on_line("stdout", line); }),
               Stream("stderr", [this](std::string_view line) { on_line("stderr", line); })},
      continue_reading_(loop,
                        [this] {
                          for (Stream& stream : streams_) {
                            if (stream.more) read_from(stream, kAtOnce);
                          }
                        }),
      second_(loop, [this] { on_second(); }) {
  if (!setting_.write) setting_.write = [](const std::string& line) { log::info("{}", line); };
}

Result<> LogPipe::open() {
  if (setting_.kind == AppOutput::kInherit) return {};
  for (Stream& stream : streams_) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_failure("cannot make a pipe for the output", errno);
    stream.our_end = Fd(ends[0]);
    stream.child_end = Fd(ends[1]);
    ::fcntl(stream.our_end.get(), F_SETFL, O_NONBLOCK);  // ours only: programs expect a blocking one
    stream.watcher = std::make_unique<IoWatcher>(loop_, stream.our_end.get(),
                                                 [this, &stream](IoEvents) { read_from(stream, kAtOnce); });
  }
  return {};
}

void LogPipe::started(pid_t pid) {
  pid_ = pid;
  for (Stream& stream : streams_) stream.child_end.reset();
}

void LogPipe::read_from(Stream& stream, std::size_t most) {
  std::array<char, 64UL * 1024> chunk;
  stream.more = false;
  for (std::size_t total = 0; total < most;) {
    const ssize_t got = ::read(stream.our_end.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    const std::string_view bytes(chunk.data(), static_cast<std::size_t>(got));
    last_.add(bytes);
    stream.cutter.add(bytes);
    total += bytes.size();
    stream.more = total >= most;
  }
  if (stream.more) continue_reading_.arm(kPause);
  if (stream.cutter.unfinished() && !second_.armed()) second_.arm(kSecond);
}

void LogPipe::on_line(const char* stream, std::string_view line) {
  if (setting_.kind == AppOutput::kOff || setting_.kind == AppOutput::kInherit) return;
  if (!second_.armed()) second_.arm(kSecond);
  if (used_.lines >= setting_.rate.lines || used_.bytes >= setting_.rate.bytes) {
    ++dropped_;
    return;
  }
  ++used_.lines;
  used_.bytes += line.size();
  if (secret_.empty() || !line.contains(secret_)) return pass_on(stream, line);
  pass_on(stream, veiled(std::string(line)));
}

std::string LogPipe::veiled(std::string text) const {
  constexpr std::string_view kVeil = "(hidden)";
  if (secret_.empty()) return text;
  for (std::size_t at = text.find(secret_); at != std::string::npos; at = text.find(secret_, at)) {
    text.replace(at, secret_.size(), kVeil);
    at += kVeil.size();
  }
  return text;
}

void LogPipe::pass_on(const char* stream, std::string_view line) {
  if (setting_.kind == AppOutput::kFile) {
    if (setting_.file != nullptr) setting_.file->write_line(line);
    return;
  }
  const std::string hook = setting_.hook.empty() ? "" : " hook " + std::string(setting_.hook);
  setting_.write("app " + setting_.app + hook + " slot " + std::to_string(setting_.slot) + " pid " +
                 std::to_string(pid_) + " " + stream + ": " + printable(line));
}

void LogPipe::on_second() {
  used_ = {.lines = 0, .bytes = 0};
  if (const std::uint64_t dropped = std::exchange(dropped_, 0); dropped > 0) {
    pass_on("output", std::to_string(dropped) + " lines dropped");
  }
  for (Stream& stream : streams_) stream.cutter.flush();
}

void LogPipe::finish() {
  for (Stream& stream : streams_) {
    if (!stream.our_end) continue;
    read_from(stream, kAtTheEnd);
    stream.cutter.flush();
    stream.watcher.reset();
    stream.our_end.reset();
    stream.more = false;
  }
  continue_reading_.disarm();
  on_second();
  second_.disarm();
}

}  // namespace gatehouse
