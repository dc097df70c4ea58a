// Cuts a stream of bytes into lines: at newlines, and after 16 KiB without one; and makes lines fit to be shown.
// Owned by who reads the stream and used on its thread; no I/O.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace gatehouse {

class LineCutter {
 public:
  // In bytes. A longer line comes as several.
  static constexpr std::size_t kLongest = 16UL * 1024;

  // `line` gets each line in order, without its newline and a carriage return before that. The view is good for the
  // call. `line` must not use or destroy the cutter.
  explicit LineCutter(std::move_only_function<void(std::string_view)> line) : line_(std::move(line)) {}

  // Calls `line` for each line that these bytes end, and keeps what is left of them.
  void add(std::string_view bytes);
  // Makes a line of what has no newline yet; none if there is nothing.
  void flush();
  // True if flush() would make a line.
  bool unfinished() const { return !rest_.empty(); }

 private:
  std::move_only_function<void(std::string_view)> line_;
  std::string rest_;
};

// The line as text: what is not UTF-8, and control characters but the tab, become \xNN.
std::string printable(std::string_view line);

}  // namespace gatehouse
