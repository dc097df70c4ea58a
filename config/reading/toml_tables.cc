#include <algorithm>
#include <format>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/text.h"
#include "config/quoting.h"
#include "config/reading/foreign_keys.h"
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
  top.report();
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
  inner.report();
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
    if (named != nullptr) {
      inside(std::string(name->str()), named);
    } else {
      reading_.unread.insert(path_of(key));
    }
  }
  return true;
}

void TableReader::need(std::vector<std::string_view> keys, const Location& where, std::string message) {
  if (!only_keys()) needs_.push_back({.keys = std::move(keys), .where = where, .message = std::move(message)});
}

void TableReader::report() {
  if (only_keys()) return;
  std::vector<std::string_view> meant;
  for (const auto& [key, node] : in_order(*scope_.table)) {
    if (std::ranges::contains(asked_, key->str())) continue;
    const std::string_view stands_for = report_unknown_key(*key);
    if (stands_for.empty()) continue;
    meant.push_back(stands_for);
    reading_.unread.insert(path_of(stands_for));
  }
  for (const Need& need : needs_) {
    const auto seems_there = [&](std::string_view key) { return std::ranges::contains(meant, key); };
    if (std::ranges::none_of(need.keys, seems_there)) reading_.error(need.where, need.message);
  }
}

std::string_view TableReader::report_unknown_key(const toml::key& key) {
  const std::string here = scope_.title.empty() ? "at the top"
                           : scope_.element     ? std::format("in [[{}]]", scope_.title)
                                                : std::format("in [{}]", scope_.title);
  const std::string unknown = std::format("unknown key {} {}", in_quotes(key.str()), here);
  const Location where = reading_.location(key.source());
  if (const ForeignKey* const foreign = find_foreign_key(scope_.path, key.str()); foreign != nullptr) {
    reading_.error(where, std::format("{}; {}", unknown, foreign->advice));
    return foreign->meant;
  }
  const std::string_view near = text::nearest(key.str(), asked_);
  if (!near.empty()) {
    reading_.error(where, std::format("{}; did you mean {}?", unknown, in_quotes(near)));
    return near;
  }
  const std::string elsewhere = reading_.homes_of(key.str());
  reading_.error(where, elsewhere.empty() ? unknown : std::format("{}; it is a key of {}", unknown, elsewhere));
  return {};
}

std::string Reading::homes_of(std::string_view key) const {
  constexpr std::size_t kMost = 3;  // one that is everywhere does not tell where it was meant
  std::string homes;
  std::size_t count = 0;
  for (const std::string& path : known_keys) {
    const std::size_t dot = path.rfind('.');
    if (dot == std::string::npos || std::string_view(path).substr(dot + 1) != key) continue;
    const std::string table = path.substr(0, dot);
    const bool element = table == "listeners" || table == "routes";
    homes += std::format("{}{}{}{}", homes.empty() ? "" : ", ", element ? "[[" : "[", table, element ? "]]" : "]");
    if (++count > kMost) return {};
  }
  return homes;
}

}  // namespace gatehouse::config
