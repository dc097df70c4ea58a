#include "proxy/admin/status_grid.h"

#include <algorithm>
#include <format>
#include <utility>

#include "common/text.h"

namespace gatehouse {
namespace {

std::string_view code_of(Tone tone) {
  switch (tone) {
    case Tone::kStrong:
      return "\x1b[1m";
    case Tone::kFaint:
      return "\x1b[2m";
    case Tone::kGood:
      return "\x1b[32m";
    case Tone::kDoubtful:
      return "\x1b[33m";
    case Tone::kBad:
      return "\x1b[31m";
    case Tone::kPlain:
      break;
  }
  return {};
}

// C0, DEL, C1 (0xC2 0x80..0x9F), and the marks that turn the direction of text around: U+061C, U+200E, U+200F,
// U+2028..U+202E, U+2066..U+2069.
bool is_control(std::string_view sequence) {
  const auto byte = [&sequence](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  if (sequence.size() == 2) return (byte(0) == 0xc2 && byte(1) < 0xa0) || (byte(0) == 0xd8 && byte(1) == 0x9c);
  if (sequence.size() != 3 || byte(0) != 0xe2) return false;
  if (byte(1) == 0x80 && (byte(2) == 0x8e || byte(2) == 0x8f)) return true;
  return (byte(1) == 0x80 && byte(2) >= 0xa8 && byte(2) <= 0xae) ||
         (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);
}

}  // namespace

std::string terminal_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = text::utf8_length(text);
    const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
    const bool fine = length > 0 && !is_control(sequence);
    out += fine ? sequence : std::string_view("?");
    text.remove_prefix(sequence.size());
  }
  return out;
}

std::size_t text_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string age_text(std::int64_t seconds) {
  if (seconds < 60) return std::format("{}s", seconds);
  if (seconds < 3600) return std::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return std::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
  return std::format("{}d{:02}h", seconds / 86'400, seconds / 3600 % 24);
}

void TextGrid::row(std::vector<TextSpan> cells) {
  for (TextSpan& cell : cells) cell.text = terminal_text(cell.text);
  lines_.push_back({.cells = std::move(cells), .is_note = false});
}

void TextGrid::note(TextSpan text) {
  text.text = terminal_text(text.text);
  lines_.push_back({.cells = {std::move(text)}, .is_note = true});
}

std::vector<std::size_t> TextGrid::widths() const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(text_width(column.title));
  for (const Line& line : lines_) {
    if (line.is_note) continue;
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], text_width(line.cells[i].text));
  }
  return widths;
}

void TextPage::append(std::string_view text, Tone tone) {
  const std::string_view code = colours_ ? code_of(tone) : std::string_view();
  text_ += code;
  text_ += text;
  if (!code.empty()) text_ += "\x1b[0m";
}

void TextPage::heading(std::string_view text) {
  text_ += '\n';
  append(text, Tone::kStrong);
  text_ += '\n';
}

void TextPage::line(const std::vector<TextSpan>& spans) {
  for (const TextSpan& span : spans) append(terminal_text(span.text), span.tone);
  text_ += '\n';
}

void TextPage::add(const TextGrid& grid, std::size_t indent) {
  const std::vector<std::size_t> widths = grid.widths();
  const auto write = [&](const std::vector<TextSpan>& cells) {
    text_.append(indent, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::size_t padding = widths[i] - text_width(cells[i].text);
      const bool right = grid.columns_[i].align == TextGrid::Align::kRight;
      if (i > 0) text_ += "  ";
      if (right) text_.append(padding, ' ');
      append(cells[i].text, cells[i].tone);
      if (!right && i + 1 < cells.size()) text_.append(padding, ' ');
    }
    text_ += '\n';
  };
  std::vector<TextSpan> titles;
  for (const TextGrid::Column& column : grid.columns_) titles.push_back({column.title, Tone::kFaint});
  write(titles);
  for (const TextGrid::Line& line : grid.lines_) {
    if (!line.is_note) {
      write(line.cells);
      continue;
    }
    text_.append(indent + 2, ' ');
    append(line.cells.front().text, line.cells.front().tone);
    text_ += '\n';
  }
}

}  // namespace gatehouse
