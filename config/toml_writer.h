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
#include "config/names.h"
#include "config/units.h"

namespace gatehouse::config {

// A string value: what reading would expand is kept from it.
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

template <class Items, class Text>
std::string array_of(const Items& items, Text text) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + text(item);
  return "[" + out + "]";
}

std::string array_of(std::span<const std::string> items);
std::string fields(std::span<const std::pair<std::string, std::string>> fields);  // { "a" = "b" }

class TomlWriter {
 public:
  void section(std::string header) { header_ = std::move(header); }
  void required_section(std::string header) {
    section(std::move(header));
    begin();
  }

  void line(std::string_view key, std::string_view text) {
    begin();
    out_ += std::format("{} = {}\n", key, text);
  }
  template <class T>
  void value(std::string_view key, const T& value, const T& standard) {
    if (value != standard) line(key, literal(value));
  }
  template <class E, std::size_t N>
  void value(std::string_view key, E value, E standard, const Names<E, N>& names) {
    if (value != standard) line(key, literal(names.text(value)));
  }
  template <class T>
  void override(std::string_view key, const std::optional<T>& value) {
    if (value) line(key, literal(*value));
  }

  std::string take() { return std::move(out_); }

 private:
  void begin();

  std::string out_;
  std::string header_;
};

// Their sections, which are many.
void write_upstream(TomlWriter& writer, const Upstream& upstream);
void write_app(TomlWriter& writer, const App& app);

}  // namespace gatehouse::config
