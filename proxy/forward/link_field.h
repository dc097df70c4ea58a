// The links of a Link field (RFC 8288 section 3), as far as a proxy may act on them: push_targets and EarlyHints ask.
// Pure functions of text that an endpoint has written; any thread.
//
//   Link: </a.css>; rel=preload; as=style, <https://cdn.example>; rel="preconnect dns-prefetch"
#pragma once

#include <string_view>
#include <vector>

namespace gatehouse {

// Views into the field's value.
struct Link {
  // Between "<" and ">".
  std::string_view target;
  // The whole of it, from "<" to the end of its parameters: what a Link field may say by itself.
  std::string_view text;
  // Relation types of its first "rel", apart by blanks.
  std::string_view relations;
  // "nopush": the endpoint wants the client to be told, and nothing more.
  bool nopush = false;
  // "anchor": it is no link of what was asked for.
  bool anchored = false;

  // `relation` is in lower case.
  bool is(std::string_view relation) const;
};

// Returns the links up to the first that cannot be understood: nothing behind it can be trusted to begin where it seems
// to.
std::vector<Link> links_of(std::string_view value);

}  // namespace gatehouse
