#include <algorithm>
#include <format>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/text.h"
#include "config/quoting.h"
#include "config/reading/toml_reader.h"

// The part of TableReader that goes down: arrays and tables, and what nobody asked for in them.

namespace gatehouse::config {

namespace {

bool is_bare_key(std::string_view key) {
  return !key.empty() && key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
                             std::string_view::npos;
}

// The entries of a table in the order of the file; toml++ sorts them by name.
std::vector<std::pair<const toml::key*, const toml::node*>> in_order(const toml::table& table) {
  std::vector<std::pair<const toml::key*, const toml::node*>> entries;
  for (const auto& [key, node] : table) entries.emplace_back(&key, &node);
  std::ranges::stable_sort(entries, {}, [](const auto& entry) {
    const auto& begin = entry.first->source().begin;
    return std::pair(begin.line, begin.column);
  });
  return entries;
}

}  // namespace

void TableReader::read_document(Reading& reading, const toml::table* document, const ReadTable& read) {
  TableReader top(reading, {.table = document, .path = "", .title = ""}, {.file = reading.file()});
  read(top);
  top.report_unknown_keys();
}

TableReader::Scope TableReader::scope_of(std::string_view key, const toml::table* table) const {
  std::string title = scope_.title.empty() ? std::string(key) : std::format("{}.{}", scope_.title, key);
  return {.table = table, .path = path_of(key), .title = std::move(title)};
}

void TableReader::read_table(Scope scope, const ReadTable& read) {
  Location where = location_;
  if (scope.table != nullptr && scope.table->source().begin.line != 0) {
    where = reading_.location(scope.table->source());
  }
  TableReader inner(reading_, std::move(scope), std::move(where));
  read(inner);
  inner.report_unknown_keys();
}

bool TableReader::strings(std::string_view key, const ReadString& each) {
  const toml::array* const array = find_array(key, "an array of strings");
  if (array == nullptr) return false;
  for (const toml::node& element : *array) {
    const auto string = string_of(element, key);
    if (string) each(*string, reading_.location(element.source()));
  }
  return true;
}

bool TableReader::strings_or_tables(std::string_view key, const ReadString& each, const ReadTable& read_each) {
  const toml::array* const array = find_array(key, "an array of strings or tables");
  Scope scope = scope_of(key, nullptr);
  scope.element = true;
  if (only_keys()) read_table(scope, read_each);
  if (array == nullptr) return false;
  for (const toml::node& element : *array) {
    scope.table = element.as_table();
    if (scope.table != nullptr) {
      read_table(scope, read_each);
    } else if (const auto string = string_of(element, key)) {
      each(*string, reading_.location(element.source()));
    }
  }
  return true;
}

bool TableReader::named_strings(std::string_view key, const ReadNamedString& each) {
  const toml::node* const node = find(key);
  if (node == nullptr) return false;
  const toml::table* const table = table_of(*node, key);
  if (table == nullptr) return false;
  for (const auto& [name, value] : in_order(*table)) {
    const auto string = string_of(*value, name->str());
    if (string) each(std::string(name->str()), *string, reading_.location(name->source()));
  }
  return true;
}

bool TableReader::table(std::string_view key, const ReadTable& read) {
  const toml::node* const node = find(key);
  const toml::table* const table = node == nullptr ? nullptr : table_of(*node, key);
  if (table == nullptr && !only_keys()) return false;
  read_table(scope_of(key, table), read);
  return true;
}

bool TableReader::tables(std::string_view key, const ReadTable& read_each) {
  Scope scope = scope_of(key, nullptr);
  scope.element = true;
  const toml::array* const array =
      find_array(key, std::format("an array of tables (write [[{}]] or [{{ ... }}])", scope.title));
  if (only_keys()) read_table(scope, read_each);
  if (array == nullptr) return false;
  for (const toml::node& element : *array) {
    scope.table = table_of(element, key);
    if (scope.table != nullptr) read_table(scope, read_each);
  }
  return true;
}

bool TableReader::named_tables(std::string_view key, const ReadNamedTable& read_each) {
  const toml::node* const node = find(key);
  const auto inside = [&](const std::string& name, const toml::table* table) {
    Scope scope = scope_of(key, table);
    scope.path += ".NAME";
    scope.title += "." + (is_bare_key(name) ? name : in_quotes(name));
    read_table(std::move(scope), [&](TableReader& reader) { read_each(name, reader); });
  };
  if (only_keys()) inside("NAME", nullptr);
  const toml::table* const table = node == nullptr ? nullptr : table_of(*node, key);
  if (table == nullptr) return false;
  for (const auto& [name, value] : in_order(*table)) {
    const toml::table* const named = table_of(*value, name->str());
    if (named != nullptr) inside(std::string(name->str()), named);
  }
  return true;
}

void TableReader::report_unknown_keys() {
  if (only_keys()) return;
  const std::string here = scope_.title.empty() ? "at the top"
                           : scope_.element     ? std::format("in [[{}]]", scope_.title)
                                                : std::format("in [{}]", scope_.title);
  for (const auto& [key, node] : in_order(*scope_.table)) {
    if (std::ranges::contains(asked_, key->str())) continue;
    std::string message = std::format("unknown key {} {}", in_quotes(key->str()), here);
    const std::string_view near = text::nearest(key->str(), asked_);
    if (!near.empty()) message += std::format("; did you mean {}?", in_quotes(near));
    reading_.error(reading_.location(key->source()), std::move(message));
  }
}

}  // namespace gatehouse::config
