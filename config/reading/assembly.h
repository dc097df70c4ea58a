// A configuration from its files: reads the one that was named, and those that it includes, and theirs. Each is read by
// the same functions (sections.h), as if all stood in one file, but that paths are relative to the file in which they
// are written. Local to one load, one thread.
//
//   add_file(gatehouse.toml) --> include = ["conf.d/*.toml"] --> conf.d/a.toml --> ...
//        read                         names, sorted                  read
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.h"
#include "config/reading/source_file.h"
#include "config/reading/toml_reader.h"
#include "config/sources.h"

namespace gatehouse::config {

class Assembly {
 public:
  // `read` is called with the top of each file that is TOML. Both outlive it.
  Assembly(Reading& reading, TableReader::ReadTable read) : reading_(reading), read_(std::move(read)) {}

  // Reads a file and all that it includes; what is wrong is said to the Reading.
  void add_file(const std::string& path);
  // Reads a text that is in no file, and so can include none.
  void add_text(std::string_view text, const std::string& name);

  // Asks for the keys without a document, as TableReader::read_document() does.
  void ask_for_keys();

  // Whether there is anything at all: the file that was named was TOML.
  bool begun() const { return documents_ > 0; }
  // Whether each file could be read and was TOML: otherwise nobody knows what else there would have been.
  bool whole() const { return whole_; }
  Sources take_sources() { return std::move(sources_); }

 private:
  // An entry of `include`.
  struct Entry {
    std::string path;
    bool is_pattern = false;
    Location location;
  };
  using Entries = std::vector<Entry>;

  // `from` is the entry by which it was included; nothing for the first one.
  void add(const std::string& path, const Entry* from, std::size_t depth);
  Entries read_text(std::string_view text);
  void read_top(TableReader& top, Entries& entries);
  void include(const Entry& entry, std::size_t depth);
  void include_matches(const Entry& entry, std::size_t depth);
  // False, and said, if it was read before.
  bool is_new(const SourceFile& file, const std::string& path, const Entry* from);
  void fail(Location location, std::string message);

  Reading& reading_;
  TableReader::ReadTable read_;
  Sources sources_;
  std::size_t size_ = 0;
  std::size_t documents_ = 0;
  bool whole_ = true;
  // The name of each file, and where it was included; nothing for the first one.
  std::map<std::pair<dev_t, ino_t>, std::pair<std::string, std::optional<Location>>> seen_;
};

}  // namespace gatehouse::config
