#include "proxy/observe/short_line.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <format>
#include <string_view>

#include "proxy/http/protocol.h"

namespace gatehouse {
namespace {

constexpr std::size_t kUsualColumns = 120;  // where nobody knows how wide the terminal is
constexpr std::size_t kFewestColumns = 60;  // room for what is always there
constexpr std::size_t kShortestPath = 8;
constexpr std::size_t kLongestMethod = 12;
constexpr std::string_view kEllipsis = "…";

constexpr std::string_view kFaint = "\x1b[2m";
constexpr std::string_view kGood = "\x1b[32m";
constexpr std::string_view kElsewhere = "\x1b[36m";
constexpr std::string_view kDoubtful = "\x1b[33m";
constexpr std::string_view kBad = "\x1b[31m";
constexpr std::string_view kEnd = "\x1b[0m";

std::string_view colour_of(std::uint16_t status) {
  if (status >= 500 || status == 0) return kBad;
  if (status >= 400) return kDoubtful;
  return status >= 300 ? kElsewhere : kGood;
}

// Writes the parts of a line behind each other, and counts the places that they take.
class Line {
 public:
  Line(std::string& out, bool colours) : out_(out), colours_(colours) {}

  // `text` has only characters of one place.
  void add(std::string_view text, std::string_view colour = {}) {
    if (places_ > 0) out_ += ' ';
    places_ += text.size() + (places_ > 0 ? 1 : 0);
    const bool coloured = colours_ && !colour.empty();
    if (coloured) out_ += colour;
    out_ += text;
    if (coloured) out_ += kEnd;
  }
  // `text` as far as it fits into `room` places.
  void add_cut(std::string_view text, std::size_t room, std::string_view colour = {}) {
    if (text.size() <= room) return add(text, colour);
    add(text.substr(0, room - 1), colour);
    out_ += kEllipsis;
    ++places_;
  }
  std::size_t places() const { return places_; }

 private:
  std::string& out_;
  const bool colours_;
  std::size_t places_ = 0;
};

// Seven places: "0.41 ms", "  12 ms", " 1.50 s".
std::string duration_text(Duration duration) {
  const double milliseconds = std::max(0.0, std::chrono::duration<double, std::milli>(duration).count());
  if (milliseconds < 10) return std::format("{:.2f} ms", milliseconds);
  if (milliseconds < 1000) return std::format("{:4.0f} ms", milliseconds);
  return std::format("{:5.{}f} s", milliseconds / 1000, milliseconds < 100'000 ? 2 : 0);
}

// Escaping only makes longer, so that no more than `room` bytes and one need to be looked at.
std::string shown(std::string_view text, std::size_t room) {
  std::string escaped;
  log_text::LineWriter(escaped).put_escaped(text.substr(0, room + 1), log_text::Style::kAscii);
  return escaped;
}

std::string target_of(const AccessRecord& record, std::size_t room) {
  if (record.path.empty()) return "-";
  std::string target = shown(record.path, room);
  if (!record.query.empty() && target.size() <= room) target += '?' + shown(record.query, room);
  return target;
}

std::string fault_of(const AccessRecord& record) {
  return record.error.empty() ? std::string(record.fault) : std::format("{} {}", record.fault, record.error);
}

}  // namespace

void append_short_line(std::string& out, const AccessRecord& record, const LineStyle& style, log_text::LogTime& times) {
  const std::size_t columns = std::max(style.columns == 0 ? kUsualColumns : style.columns, kFewestColumns);
  const std::string fault = fault_of(record);
  Line line(out, style.colours);
  line.add(times.local(record.time), kFaint);
  line.add(record.status == 0 ? "---" : std::to_string(record.status), colour_of(record.status));
  line.add(duration_text(record.duration));
  line.add(std::format("{:2}", label(record.protocol)), kFaint);
  line.add_cut(record.method.empty() ? "-" : shown(record.method, kLongestMethod), kLongestMethod);
  const std::size_t taken = line.places() + 1 + (fault.empty() ? 0 : fault.size() + 1);
  const std::size_t room = columns > taken + kShortestPath ? columns - taken : kShortestPath;
  line.add_cut(target_of(record, room), room);
  if (!fault.empty()) line.add_cut(fault, columns - line.places() - 1, kBad);
  out += '\n';
}

}  // namespace gatehouse
