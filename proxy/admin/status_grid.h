// Text for terminals: lines with tones, and tables whose columns are as wide as they need to be. Whatever is put in,
// only what can be printed comes out. Values; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

enum class Tone { kPlain, kStrong, kFaint, kGood, kDoubtful, kBad };

struct TextSpan {
  std::string text;
  Tone tone = Tone::kPlain;
};

class TextGrid {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit TextGrid(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void row(std::vector<TextSpan> cells);  // REQUIRES: one for each column
  void note(TextSpan text);               // a line of its own below the last row

 private:
  friend class TextPage;
  struct Line {
    std::vector<TextSpan> cells;
    bool is_note = false;
  };
  std::vector<std::size_t> widths() const;

  std::vector<Column> columns_;
  std::vector<Line> lines_;
};

class TextPage {
 public:
  explicit TextPage(bool colours) : colours_(colours) {}

  void heading(std::string_view text);  // behind an empty line
  void line(const std::vector<TextSpan>& spans);
  void add(const TextGrid& grid, std::size_t indent);
  std::string take() { return std::move(text_); }

 private:
  void append(std::string_view text, Tone tone);

  const bool colours_;
  std::string text_;
};

// How many places it takes on a terminal, where each character takes one.
std::size_t text_width(std::string_view text);
// Without control characters, which could do anything to a terminal, and with what is not UTF-8 replaced.
std::string terminal_text(std::string_view text);

}  // namespace gatehouse
