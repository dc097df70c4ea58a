// Words that people bring along from other servers, or expect here: what to write instead, or that there is nothing of
// the kind. Data, and a search in it. Pure.
#pragma once

#include <span>
#include <string_view>

namespace gatehouse::config {

struct ForeignKey {
  // Where it was written, as TableReader names tables: "" is the top, "upstreams.NAME"; "*" is anywhere else.
  std::string_view table;
  // In lower case, with "_" for "-".
  std::string_view word;
  // The key of the same table that it stands for; "" if there is none.
  std::string_view meant;
  // Behind "unknown key ...; ".
  std::string_view advice;
};

std::span<const ForeignKey> foreign_keys();

// Returns the row for `word` in `table`, however its letters are written; null if there is none.
const ForeignKey* find_foreign_key(std::string_view table, std::string_view word);

}  // namespace gatehouse::config
