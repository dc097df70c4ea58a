#include "config/showing/excerpt.h"

#include <algorithm>
#include <cstddef>
#include <format>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "common/terminal.h"
#include "common/text.h"
#include "config/showing/discretion.h"
#include "config/showing/display_width.h"

namespace gatehouse::config {

namespace {

constexpr std::size_t kLongestLine = 16384;  // in bytes: a longer one is no line that a person wrote
constexpr std::size_t kWidth = 100;          // in columns of a terminal
constexpr std::size_t kBeforeCaret = 60;     // of them, where a line is cut
constexpr std::size_t kTab = 8;
constexpr std::string_view kCut = "...";
constexpr std::string_view kTriples[] = {"\"\"\"", "'''"};

// Where the lines of a text begin, and its triple quotes.
struct LineIndex {
  explicit LineIndex(std::string_view whole) : text(whole) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    lines.push_back(0);
    for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
      lines.push_back(at + 1);
    }
    for (const std::string_view triple : kTriples) {
      for (std::size_t at = text.find(triple); at != std::string_view::npos; at = text.find(triple, at + 3)) {
        triples.push_back(at);
      }
    }
    std::ranges::sort(triples);
  }

  // Nothing if there is no such line, or if it may lie inside a string that began on an earlier one, of which nobody
  // knows here what it is.
  std::optional<std::string_view> line(unsigned number) const {
    if (number == 0 || number > lines.size()) return std::nullopt;
    const std::size_t begin = lines[number - 1];
    const auto before = std::ranges::lower_bound(triples, begin) - triples.begin();
    if (before % 2 != 0) return std::nullopt;
    std::string_view found = text.substr(begin, text.find('\n', begin) - begin);
    if (found.ends_with('\r')) found.remove_suffix(1);
    return found;
  }

  std::string_view text;
  std::vector<std::size_t> lines;
  std::vector<std::size_t> triples;
};

// One character as it is shown.
struct Cell {
  std::string text;
  std::size_t width = 0;
};

char32_t decoded(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0);
  constexpr unsigned kContinuation = 0x3F;
  char32_t value = byte(0) & (0xFFU >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) value = (value << 6U) | (byte(i) & kContinuation);
  return value;
}

Cell spelled(std::string text) {
  const std::size_t width = text.size();
  return {.text = std::move(text), .width = width};
}

Cell cell_of(std::string_view character, bool well_formed, std::size_t column) {
  if (character == "\t") return spelled(std::string(kTab - column % kTab, ' '));
  if (!well_formed) return spelled(std::format("<{:02X}>", static_cast<unsigned char>(character.front())));
  const char32_t value = decoded(character);
  if (is_unprintable(value)) return spelled(std::format("<U+{:04X}>", static_cast<std::uint32_t>(value)));
  return {.text = std::string(character), .width = display_width(value)};
}

std::vector<Cell> cells_of(std::string_view line) {
  std::vector<Cell> cells;
  std::size_t column = 0;
  while (!line.empty()) {
    const std::size_t length = text::utf8_length(line);
    const std::string_view character = line.substr(0, std::max<std::size_t>(length, 1));
    cells.push_back(cell_of(character, length != 0, column));
    column += cells.back().width;
    line.remove_prefix(character.size());
  }
  return cells;
}

struct Shown {
  std::string line;
  std::size_t caret = 0;  // columns before it
};

// `at` may be one behind the last cell.
Shown cut_around(std::span<const Cell> cells, std::size_t at) {
  const auto width_of = [&](std::size_t from, std::size_t to) {
    std::size_t width = 0;
    for (std::size_t i = from; i < to; ++i) width += cells[i].width;
    return width;
  };
  std::size_t first = 0;
  std::size_t last = cells.size();
  if (width_of(first, last) > kWidth) {
    for (std::size_t before = width_of(0, at); before > kBeforeCaret; ++first) before -= cells[first].width;
    std::size_t width = 0;
    for (last = first; last < cells.size() && width + cells[last].width <= kWidth; ++last) width += cells[last].width;
  }
  Shown shown{.line = std::string(first > 0 ? kCut : ""), .caret = 0};
  shown.caret = shown.line.size() + width_of(first, at);
  for (std::size_t i = first; i < last; ++i) shown.line += cells[i].text;
  if (last < cells.size()) shown.line += kCut;
  return shown;
}

struct Paint {
  std::string_view place;
  std::string_view warning;
  std::string_view caret;
  std::string_view end;
};

Paint paint_of(Colours colours, Severity severity) {
  if (colours == Colours::kPlain) return {};
  return {.place = "\x1b[1m",
          .warning = "\x1b[1;35m",
          .caret = severity == Severity::kError ? "\x1b[1;31m" : "\x1b[1;35m",
          .end = "\x1b[0m"};
}

std::string head_of(const Diagnostic& diagnostic, const Paint& paint) {
  if (paint.end.empty() || diagnostic.location.file.empty()) return diagnostic.to_string() + '\n';
  const bool warns = diagnostic.severity == Severity::kWarning;
  const std::string kind = warns ? std::format("{}warning:{} ", paint.warning, paint.end) : std::string();
  return std::format("{}{}:{} {}{}\n", paint.place, to_string(diagnostic.location), paint.end, kind,
                     diagnostic.message);
}

std::string excerpt_of(const Location& location, std::string_view line, const Paint& paint) {
  const std::vector<Cell> cells = cells_of(without_secrets(line));
  const std::size_t column = std::max(location.column, 1U) - 1;
  const Shown shown = cut_around(cells, std::min<std::size_t>(column, cells.size()));
  const std::string number = std::format("{:>4}", location.line);
  return std::format("{} | {}\n{} | {}{}^{}\n", number, shown.line, std::string(number.size(), ' '),
                     std::string(shown.caret, ' '), paint.caret, paint.end);
}

// Each line of it as it stands, but for controls.
std::string remedy_of(const Diagnostic& diagnostic) {
  std::string out;
  std::string_view rest = diagnostic.remedy;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string line;
    for (const Cell& cell : cells_of(rest.substr(0, end))) line += cell.text;
    out += line.empty() ? "\n" : std::format("    {}\n", line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

}  // namespace

std::string lines_for(int descriptor, std::span<const Diagnostic> diagnostics, const Sources& sources) {
  if (!terminal::is_terminal(descriptor)) return lines_of(diagnostics);
  const Colours colours = terminal::wants_colours(descriptor) ? Colours::kAnsi : Colours::kPlain;
  return lines_with_excerpts(diagnostics, sources, colours);
}

std::string lines_with_excerpts(std::span<const Diagnostic> diagnostics, const Sources& sources, Colours colours) {
  std::map<std::string_view, LineIndex> indices;
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) {
    const Location& location = diagnostic.location;
    const Paint paint = paint_of(colours, diagnostic.severity);
    out += head_of(diagnostic, paint);
    const auto file = std::ranges::find(sources.files, location.file, &Sources::File::name);
    if (file != sources.files.end() && location.line != 0) {
      const auto line = indices.try_emplace(file->name, file->text).first->second.line(location.line);
      const bool fits = line && line->size() <= kLongestLine && sources.veil.over(*line) == *line;
      if (fits) out += excerpt_of(location, *line, paint);
    }
    out += remedy_of(diagnostic);
  }
  return out;
}

}  // namespace gatehouse::config
