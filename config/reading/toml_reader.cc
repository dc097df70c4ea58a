#include "config/reading/toml_reader.h"

#include <algorithm>
#include <filesystem>
#include <format>
#include <system_error>

#include "config/quoting.h"
#include "config/reading/expand.h"

namespace gatehouse::config {

namespace {

// More than this, nobody reads; and a hostile file cannot make us say a gigabyte.
constexpr std::size_t kMostDiagnostics = 1000;

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a float";
    case toml::node_type::boolean:
      return "a boolean";
    case toml::node_type::date:
      return "a date";
    case toml::node_type::time:
      return "a time";
    case toml::node_type::date_time:
      return "a date and time";
    case toml::node_type::none:
      break;
  }
  return "nothing";
}

}  // namespace

void Reading::add(Diagnostic diagnostic) {
  if (diagnostics.size() < kMostDiagnostics) {
    diagnostics.push_back(std::move(diagnostic));
  } else if (diagnostics.size() == kMostDiagnostics) {
    diagnostics.push_back({.location = {.file = file_}, .message = "too many errors; the rest is left out"});
  }
}

void Reading::error(Location location, std::string message) {
  add({.severity = Severity::kError, .location = std::move(location), .message = std::move(message)});
}

void Reading::warning(Location location, std::string message) {
  add({.severity = Severity::kWarning, .location = std::move(location), .message = std::move(message)});
}

Location Reading::location(const toml::source_region& region) const {
  return {.file = file_, .line = region.begin.line, .column = region.begin.column};
}

TableReader::TableReader(Reading& reading, Scope scope, Location location)
    : reading_(reading), scope_(std::move(scope)), location_(std::move(location)) {}

std::string TableReader::path_of(std::string_view key) const {
  return scope_.path.empty() ? std::string(key) : std::format("{}.{}", scope_.path, key);
}

const toml::node* TableReader::find(std::string_view key) {
  asked_.push_back(key);
  if (only_keys()) {
    reading_.known_keys.insert(path_of(key));
    return nullptr;
  }
  const toml::node* const node = scope_.table->get(key);
  if (node != nullptr) reading_.used_keys.insert(path_of(key));
  return node;
}

const toml::array* TableReader::find_array(std::string_view key, std::string_view wanted) {
  const toml::node* const node = find(key);
  if (node == nullptr) return nullptr;
  const toml::array* const array = node->as_array();
  if (array == nullptr) wrong_type(*node, key, wanted);
  return array;
}

bool TableReader::has(std::string_view key) const {
  return !only_keys() && scope_.table->contains(key);
}

bool TableReader::is_integer(std::string_view key) const {
  return has(key) && scope_.table->get(key)->is_integer();
}

bool TableReader::is_empty_array(std::string_view key) const {
  const toml::array* const array = has(key) ? scope_.table->get(key)->as_array() : nullptr;
  return array != nullptr && array->empty();
}

Location TableReader::location(std::string_view key) const {
  const toml::node* const node = only_keys() ? nullptr : scope_.table->get(key);
  return node == nullptr || node->source().begin.line == 0 ? location_ : reading_.location(node->source());
}

void TableReader::wrong_type(const toml::node& node, std::string_view key, std::string_view wanted) {
  reading_.unread.insert(path_of(key));
  reading_.error(reading_.location(node.source()),
                 std::format("{} must be {}, not {}", in_quotes(key), wanted, type_name(node)));
}

std::optional<std::string> TableReader::string_of(const toml::node& node, std::string_view key) {
  const auto* const string = node.as_string();
  if (string == nullptr) {
    wrong_type(node, key, "a string");
    return std::nullopt;
  }
  auto expanded = expand(string->get(), &reading_.veil);
  if (!expanded) {
    reading_.error(reading_.location(node.source()), std::format("{}: {}", in_quotes(key), expanded.error().message));
    return std::nullopt;
  }
  return *std::move(expanded);
}

const toml::table* TableReader::table_of(const toml::node& node, std::string_view key) {
  if (node.as_table() == nullptr) wrong_type(node, key, "a table");
  return node.as_table();
}

bool TableReader::read(std::string_view key, bool& value) {
  const toml::node* const node = find(key);
  if (node == nullptr) return false;
  const auto* const boolean = node->as_boolean();
  if (boolean == nullptr) {
    wrong_type(*node, key, "true or false");
    return false;
  }
  value = boolean->get();
  return true;
}

bool TableReader::read(std::string_view key, std::string& value) {
  const toml::node* const node = find(key);
  if (node == nullptr) return false;
  auto string = string_of(*node, key);
  if (!string) return false;
  value = *std::move(string);
  return true;
}

bool TableReader::read_path(std::string_view key, std::string& value) {
  std::string path;
  if (!read_path_or_none(key, path)) return false;
  if (path.empty()) {
    error(key, std::format("{} must be the path of a file, not \"\"", in_quotes(key)));
    return false;
  }
  value = std::move(path);
  return true;
}

bool TableReader::read_path_or_none(std::string_view key, std::string& value) {
  std::string path;
  if (!read(key, path)) return false;
  if (path.find('\0') != std::string::npos) {
    error(key, std::format("{} must be the path of a file, not {}", in_quotes(key), in_quotes(path)));
    return false;
  }
  value = path.empty() ? std::move(path) : absolute(path);
  return true;
}

std::string TableReader::absolute(const std::string& path) const {
  std::error_code failed;  // without a current folder the path stays relative, and opening it will say so
  const auto joined = std::filesystem::path(reading_.file()).parent_path() / path;
  const auto absolute = std::filesystem::absolute(joined, failed);
  return (failed ? joined : absolute).lexically_normal().string();
}

bool TableReader::read(std::string_view key, milliseconds& value, DurationRange range) {
  const toml::node* const node = find(key);
  if (node == nullptr) return false;
  if (node->as_string() == nullptr) {
    wrong_type(*node, key, "a duration such as \"10s\"");
    return false;
  }
  const auto string = string_of(*node, key);
  if (!string) return false;
  const auto duration = parse_duration(*string);
  if (!duration) {
    error(key, std::format("{}: {}", in_quotes(key), duration.error().message));
  } else if (*duration < range.min || *duration > range.max) {
    error(key, std::format("{} must be from {} to {}, not {}", in_quotes(key), format_duration(range.min),
                           format_duration(range.max), in_quotes(*string)));
  } else {
    value = *duration;
    return true;
  }
  return false;
}

std::optional<std::int64_t> TableReader::integer_of(const toml::node& node, std::string_view key) {
  const auto* const integer = node.as_integer();
  if (integer == nullptr) {
    wrong_type(node, key, "an integer");
    return std::nullopt;
  }
  return integer->get();
}

bool TableReader::read_integer(std::string_view key, std::uint64_t& value, Range<std::uint64_t> range) {
  const toml::node* const node = find(key);
  if (node == nullptr) return false;
  const auto integer = integer_of(*node, key);
  if (!integer) return false;
  if (*integer >= 0 && static_cast<std::uint64_t>(*integer) >= range.min &&
      static_cast<std::uint64_t>(*integer) <= range.max) {
    value = static_cast<std::uint64_t>(*integer);
    return true;
  }
  error(key, range.max > std::numeric_limits<std::uint32_t>::max()
                 ? std::format("{} must be at least {}, not {}", in_quotes(key), range.min, *integer)
                 : std::format("{} must be from {} to {}, not {}", in_quotes(key), range.min, range.max, *integer));
  return false;
}

std::optional<std::uint64_t> TableReader::size_of(const toml::node& node, std::string_view key,
                                                  Range<std::uint64_t> range) {
  std::uint64_t size = 0;
  const Location where = reading_.location(node.source());
  if (const auto* const integer = node.as_integer(); integer != nullptr) {
    if (integer->get() < 0) {
      reading_.error(where, std::format("{} must not be negative, but is {}", in_quotes(key), integer->get()));
      return std::nullopt;
    }
    size = static_cast<std::uint64_t>(integer->get());
  } else if (node.as_string() != nullptr) {
    const auto string = string_of(node, key);
    if (!string) return std::nullopt;
    const auto parsed = parse_size(*string);
    if (!parsed) {
      reading_.error(where, std::format("{}: {}", in_quotes(key), parsed.error().message));
      return std::nullopt;
    }
    size = *parsed;
  } else {
    wrong_type(node, key, "a size: bytes, or a string such as \"64KiB\"");
    return std::nullopt;
  }
  if (size >= range.min && size <= range.max) return size;
  reading_.error(where,
                 size < range.min
                     ? std::format("{} must be at least {}, not {}", in_quotes(key), format_size(range.min), size)
                     : std::format("{} must be at most {}, not {}", in_quotes(key), format_size(range.max), size));
  return std::nullopt;
}

bool TableReader::read_size(std::string_view key, std::uint64_t& value, Range<std::uint64_t> range) {
  const toml::node* const node = find(key);
  if (node == nullptr) return false;
  const auto size = size_of(*node, key, range);
  if (size) value = *size;
  return size.has_value();
}

bool TableReader::read_size_or_off(std::string_view key, std::optional<std::uint64_t>& value,
                                   Range<std::uint64_t> range) {
  const toml::node* const node = find(key);
  if (node == nullptr) return false;
  if (node->value_or(std::string_view()) == "off") {
    value = std::nullopt;
    return true;
  }
  if (node->value_or(std::int64_t{1}) == 0) {  // "no limit" elsewhere, but "nothing at all" here: which one is meant?
    error(key, std::format("{} must not be 0; write \"off\" for no limit", in_quotes(key)));
    return false;
  }
  const auto size = size_of(*node, key, range);
  if (size) value = size;
  return size.has_value();
}

bool TableReader::read_count_or_off(std::string_view key, std::uint32_t& value) {
  const toml::node* const node = find(key);
  if (node == nullptr) return false;
  if (node->value_or(std::string_view()) == "off") {
    value = 0;
    return true;
  }
  if (node->as_integer() == nullptr) {
    wrong_type(*node, key, "a whole number, or \"off\"");
    return false;
  }
  return read(key, value);
}

bool TableReader::read_rate_or_off(std::string_view key, Rate& value) {
  const toml::node* const node = find(key);
  if (node == nullptr) return false;
  if (node->value_or(std::int64_t{1}) == 0) {
    value = {};
    return true;
  }
  if (node->as_string() == nullptr) {
    wrong_type(*node, key, "a rate such as \"100/s\", or \"off\"");
    return false;
  }
  const auto text = string_of(*node, key);
  if (!text) return false;
  const auto rate = *text == "off" ? Result<Rate>(Rate{}) : parse_rate(*text);
  if (!rate) {
    error(key, std::format("{}: {}", in_quotes(key), rate.error().message));
    return false;
  }
  value = *rate;
  return true;
}

std::optional<std::size_t> TableReader::choice(std::string_view key, std::span<const std::string_view> names) {
  const toml::node* const node = find(key);
  if (node == nullptr) return std::nullopt;
  const auto word = string_of(*node, key);
  if (!word) return std::nullopt;
  const auto found = std::ranges::find(names, *word);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  error(key, std::format("{} must be {}, not {}", in_quotes(key), one_of(names), in_quotes(*word)));
  return std::nullopt;
}

}  // namespace gatehouse::config
