// Lines of TOML under their headers, for to_toml: values as reading takes them, and only those that differ from the
// default. A header appears with its first line, or at once if it says something by itself. Local to one call.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <format>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/address.h"
#include "common/text.h"
#include "config/names.h"
#include "config/units.h"

namespace gatehouse::config {

// A value as TOML has it: quoted where it is a string, with "$" doubled so that reading does not expand it; durations
// with their largest unit, a size or "off".
std::string literal(std::string_view text);
std::string literal(std::chrono::milliseconds value);
std::string literal(const std::optional<std::uint64_t>& size);
std::string literal(const Address& address);
inline std::string literal(const Rate& rate) {
  return literal(std::string_view(format_rate(rate)));
}
inline std::string literal(bool value) {
  return value ? "true" : "false";
}
std::string literal(std::unsigned_integral auto value) {
  return std::to_string(value);
}

// [a, b]: each item as `text` writes it.
template <class Items, class Text>
std::string array_of(const Items& items, Text text_of) {
  std::string out;
  for (const auto& item : items) text::add_to_list(out, text_of(item));
  return "[" + out + "]";
}

std::string array_of(std::span<const std::string> items);
// { "a" = "b" }
std::string fields(std::span<const std::pair<std::string, std::string>> fields);

class TomlWriter {
 public:
  // What follows stands under `header`, such as "[server]", which is written with the first line, or never.
  void section(std::string header) { header_ = std::move(header); }
  // Writes the header at once: for an element of an array of tables, and for tls, whose presence says something.
  void required_section(std::string header) {
    section(std::move(header));
    begin();
  }

  // Writes a line in any case; `text` is TOML.
  void line(std::string_view key, std::string_view text) {
    begin();
    out_ += std::format("{} = {}\n", key, text);
  }
  // Writes a line if `value` is not the default.
  template <class T>
  void value(std::string_view key, const T& value, const T& standard) {
    if (value != standard) line(key, literal(value));
  }
  template <class E, std::size_t N>
  void value(std::string_view key, E value, E standard, const Names<E, N>& names) {
    if (value != standard) line(key, literal(names.text(value)));
  }
  // Writes a line if the route has a value of its own.
  template <class T>
  void override(std::string_view key, const std::optional<T>& value) {
    if (value) line(key, literal(*value));
  }

  // Returns all that was written. The writer is used up.
  std::string take() { return std::move(out_); }

 private:
  void begin();

  std::string out_;
  std::string header_;
};

// Write all sections of one upstream or app (to_toml_targets.cc).
void write_upstream(TomlWriter& writer, const Upstream& upstream);
void write_app(TomlWriter& writer, const App& app);

}  // namespace gatehouse::config
