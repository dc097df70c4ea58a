// Typed access to a parsed TOML document that collects every diagnostic instead of stopping at the first. A TableReader
// is one table; each read() asks for one key and writes its value only if it is there and right. What nobody asked for
// is an unknown key, reported when the table was read. So the reading functions (sections.h) are the schema: with no
// document at all they run in the same way and tell which keys exist (Reading::known_keys). Local to one load, one
// thread.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <toml++/toml.hpp>

#include "config/config.h"
#include "config/diagnostic.h"
#include "config/names.h"
#include "config/units.h"

namespace gatehouse::config {

// What the tables of all files share. Owned by the loading function.
class Reading {
 public:
  // What is read next is of this file.
  void enter(std::string file) { file_ = std::move(file); }

  // Of more than 1000 diagnostics the rest is left out; the last one says so, as an error.
  void error(Location location, std::string message);
  void warning(Location location, std::string message);
  void add(Diagnostic diagnostic);
  // Where the region begins, in the file that is read.
  Location location(const toml::source_region& region) const;
  const std::string& file() const { return file_; }
  // Names the tables that have such a key; "" if none has, or too many. REQUIRES: known_keys is complete.
  std::string homes_of(std::string_view key) const;

  // In the order in which they were found.
  std::vector<Diagnostic> diagnostics;
  Veil veil;
  // Every key that was asked for without a document, "listeners.tls.min_version" or "upstreams.NAME.queue".
  std::set<std::string> known_keys;
  // With a document: those that were asked for and are there.
  std::set<std::string> used_keys;
  // Those that were meant and could not be read, as they have a wrong type or are misspelt: what seems to be missing may
  // have stood there.
  std::set<std::string> unread;

 private:
  std::string file_;
};

// Both ends are allowed.
template <class T>
struct Range {
  T min = std::numeric_limits<T>::min();
  T max = std::numeric_limits<T>::max();
};

struct DurationRange {
  milliseconds min{1};
  milliseconds max = kMaxDuration;
};

class TableReader {
 public:
  using ReadTable = std::function<void(TableReader&)>;
  using ReadNamedTable = std::function<void(const std::string& name, TableReader&)>;
  using ReadString = std::function<void(const std::string& value, const Location&)>;
  using ReadNamedString = std::function<void(const std::string& name, const std::string& value, const Location&)>;

  // Reads `document` by `read`, which is called once, and reports what it did not ask for. Without a document (nullptr)
  // it only finds out which keys exist: every read() then says that its key is not there, and every table is visited
  // once.
  static void read_document(Reading& reading, const toml::table* document, const ReadTable& read);

  // Each returns whether the key is there and its value was right and taken. One that is wrong is reported with its
  // place and what would be right, and `value` stays as it was. Strings are expanded (expand.h).
  bool read(std::string_view key, bool& value);
  bool read(std::string_view key, std::string& value);
  bool read(std::string_view key, milliseconds& value, DurationRange range = {});
  template <std::unsigned_integral T>
  bool read(std::string_view key, T& value, Range<T> range = {});
  // One of the words.
  template <class E, std::size_t N>
  bool read(std::string_view key, E& value, const Names<E, N>& names);
  // Bytes, as an integer or as "64KiB".
  bool read_size(std::string_view key, std::uint64_t& value, Range<std::uint64_t> range = {});
  // As read_size(); "off" is nullopt, and 0 is refused, because it might mean either.
  bool read_size_or_off(std::string_view key, std::optional<std::uint64_t>& value, Range<std::uint64_t> range = {});
  // An integer; "off" and 0 are the same: no limit.
  bool read_count_or_off(std::string_view key, std::uint32_t& value);
  // "100/s"; "off" and 0 are the same: no limit.
  bool read_rate_or_off(std::string_view key, Rate& value);
  // A path that is not empty: absolute, or relative to the file. `value` is absolute.
  bool read_path(std::string_view key, std::string& value);
  // Likewise; "" is none.
  bool read_path_or_none(std::string_view key, std::string& value);

  // These call back once for each element, in the order of the file, before they return. They return whether the key is
  // there and has the right kind of value; an element that is wrong is reported and left out all the same.
  //
  // [ "a", "b" ]
  bool strings(std::string_view key, const ReadString& each);
  // [ "a", { address = "b" } ]
  bool strings_or_tables(std::string_view key, const ReadString& each, const ReadTable& read_each);
  // { a = "b" }
  bool named_strings(std::string_view key, const ReadNamedString& each);
  // [key]
  bool table(std::string_view key, const ReadTable& read);
  // [[key]]
  bool tables(std::string_view key, const ReadTable& read_each);
  // [key.NAME]
  bool named_tables(std::string_view key, const ReadNamedTable& read_each);

  // About the document; none of them counts as asking for the key.
  bool has(std::string_view key) const;
  bool is_integer(std::string_view key) const;
  bool is_empty_array(std::string_view key) const;
  // The place of the value of `key`; that of the table if it has none.
  Location location(std::string_view key) const;
  const Location& location() const { return location_; }
  void error(const Location& where, std::string message) { reading_.error(where, std::move(message)); }
  void error(Diagnostic diagnostic) { reading_.add(std::move(diagnostic)); }
  void error(std::string_view key, std::string message) { error(location(key), std::move(message)); }
  void warning(const Location& where, std::string message) { reading_.warning(where, std::move(message)); }
  void warning(std::string_view key, std::string message) { warning(location(key), std::move(message)); }
  // Says so once the table is read, as none of `keys` is there, unless an unknown key seems to be one of them.
  void need(std::vector<std::string_view> keys, const Location& where, std::string message);
  // Returns `path` as seen from the folder of the file, without "." and "..".
  std::string absolute(const std::string& path) const;

 private:
  struct Scope {
    const toml::table* table;  // null: only the keys are wanted
    std::string path;          // "upstreams.NAME.pool"; empty at the top
    std::string title;         // "upstreams.shop.pool", for messages
    bool element = false;      // of an array
  };

  TableReader(Reading& reading, Scope scope, Location location);
  bool only_keys() const { return scope_.table == nullptr; }
  std::string path_of(std::string_view key) const;
  Scope scope_of(std::string_view key, const toml::table* table) const;
  void read_table(Scope scope, const ReadTable& read);
  const toml::node* find(std::string_view key);
  // Nothing as well if it is another thing, which is said: it must be `wanted`.
  const toml::array* find_array(std::string_view key, std::string_view wanted);
  std::optional<std::string> string_of(const toml::node& node, std::string_view key);
  std::optional<std::int64_t> integer_of(const toml::node& node, std::string_view key);
  const toml::table* table_of(const toml::node& node, std::string_view key);
  void wrong_type(const toml::node& node, std::string_view key, std::string_view wanted);
  bool read_integer(std::string_view key, std::uint64_t& value, Range<std::uint64_t> range);
  std::optional<std::uint64_t> size_of(const toml::node& node, std::string_view key, Range<std::uint64_t> range);
  std::optional<std::size_t> choice(std::string_view key, std::span<const std::string_view> names);
  // What nobody asked for, and what was needed and is not there.
  void report();
  // Returns the key of this table that it seems to stand for; "" if nobody knows.
  std::string_view report_unknown_key(const toml::key& key);

  struct Need {
    std::vector<std::string_view> keys;
    Location where;
    std::string message;
  };

  Reading& reading_;
  Scope scope_;
  Location location_;
  std::vector<std::string_view> asked_;
  std::vector<Need> needs_;
};

template <std::unsigned_integral T>
bool TableReader::read(std::string_view key, T& value, Range<T> range) {
  std::uint64_t wide = 0;
  if (!read_integer(key, wide, {.min = range.min, .max = range.max})) return false;
  value = static_cast<T>(wide);
  return true;
}

template <class E, std::size_t N>
bool TableReader::read(std::string_view key, E& value, const Names<E, N>& names) {
  const auto index = choice(key, names.texts);
  if (index) value = names.values[*index];
  return index.has_value();
}

}  // namespace gatehouse::config
