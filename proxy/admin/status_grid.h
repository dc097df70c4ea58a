// Text for terminals: lines with tones, and tables whose columns are as wide as they need to be. Of what is put into
// cells, notes and lines only what can be printed comes out. Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

// What a text means, from which its colour follows where there are colours: bold, dim, green, yellow, red.
enum class Tone { kPlain, kStrong, kFaint, kGood, kDoubtful, kBad };

struct TextSpan {
  std::string text;
  Tone tone = Tone::kPlain;
};

// A table. Its first line has the titles, in kFaint; two spaces stand between columns.
class TextGrid {
 public:
  enum class Align { kLeft, kRight };
  // REQUIRES: a title that can be printed as it is.
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit TextGrid(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // Appends a row. REQUIRES: one cell for each column.
  void row(std::vector<TextSpan> cells);
  // Appends a line that belongs to the row above it and takes no part in the widths of the columns.
  void note(TextSpan text);

 private:
  friend class TextPage;
  // A note has one cell.
  struct Line {
    std::vector<TextSpan> cells;
    bool is_note = false;
  };
  std::vector<std::size_t> widths() const;

  std::vector<Column> columns_;
  std::vector<Line> lines_;
};

// The page that lines and tables are written to, one below the other.
class TextPage {
 public:
  // With `colours` tones are written as ANSI escape sequences, else they are left out.
  explicit TextPage(bool colours) : colours_(colours) {}

  // Writes an empty line and then the heading. REQUIRES: a text that can be printed as it is.
  void heading(std::string_view text);
  // Writes the spans behind each other, and ends the line.
  void line(const std::vector<TextSpan>& spans);
  // Writes a table, `indent` places from the left; its notes stand two places further in.
  void add(const TextGrid& grid, std::size_t indent);
  // Everything so far.
  std::string take() { return std::move(text_); }

 private:
  void append(std::string_view text, Tone tone);

  const bool colours_;
  std::string text_;
};

// "7s", "2m07s", "3h05m", "4d02h"
std::string age_text(std::int64_t seconds);
// How many places it takes on a terminal, where each character takes one.
std::size_t text_width(std::string_view text);
// With a question mark for each character that must not reach a terminal: control characters (C0, DEL, C1), marks
// that turn the direction of text, and bytes that are not UTF-8.
std::string terminal_text(std::string_view text);

}  // namespace gatehouse
