// Cuts a stream of bytes into lines: at newlines, and after 16 KiB without one; and makes lines fit to be shown. Pure;
// owned by who reads the stream.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace gatehouse {

class LineCutter {
 public:
  static constexpr std::size_t kLongest = 16UL * 1024;

  explicit LineCutter(std::move_only_function<void(std::string_view)> line) : line_(std::move(line)) {}

  void add(std::string_view bytes);
  void flush();  // what has no newline yet is a line
  bool unfinished() const { return !rest_.empty(); }

 private:
  std::move_only_function<void(std::string_view)> line_;
  std::string rest_;
};

// A line as text: what is not UTF-8, and control characters but the tab, as \xNN.
std::string printable(std::string_view line);

}  // namespace gatehouse
