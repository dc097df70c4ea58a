#include "config/toml_writer.h"

#include "config/quoting.h"
#include "config/units.h"

namespace gatehouse::config {

std::string literal(std::string_view text) {
  std::string doubled;
  for (const char c : text) doubled.append(c == '$' ? 2 : 1, c);
  return toml_string(doubled);
}

std::string literal(std::chrono::milliseconds value) {
  return toml_string(format_duration(value));
}

std::string literal(const std::optional<std::uint64_t>& size) {
  return size ? literal(*size) : "\"off\"";
}

std::string literal(const Address& address) {
  return literal(address.to_string());
}

std::string array_of(std::span<const std::string> items) {
  return array_of(items, [](const std::string& item) { return literal(item); });
}

std::string fields(std::span<const std::pair<std::string, std::string>> fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    text::add_to_list(out, std::format("{} = {}", toml_string(name), literal(value)));
  }
  return out.empty() ? "{}" : "{ " + out + " }";
}

void TomlWriter::begin() {
  if (header_.empty()) return;
  out_ += std::format("{}{}\n", out_.empty() ? "" : "\n", header_);
  header_.clear();
}

}  // namespace gatehouse::config
