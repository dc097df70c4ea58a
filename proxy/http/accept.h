// What a client would rather have: of a few media types, as its Accept field says (RFC 9110 section 12.5.1), and of
// content codings, as Accept-Encoding says (section 12.5.3). For what Gatehouse answers by itself; what endpoints answer
// is theirs to choose. Pure, any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace gatehouse {

// Returns the index of the type that `accept` prefers; nothing where it takes none of them, or says nothing. The range
// that is most specific decides what a type is worth (its q), whatever the other parameters. Of types that are worth
// the same a named one comes before one that a wildcard stands for, then the one that was named first, then the first
// of `types`. A range that is not valid counts for nothing. REQUIRES: `types` are in lower case
std::optional<std::size_t> preferred_type(std::string_view accept, std::span<const std::string_view> types);

// Returns what `coding` is worth to a client with this Accept-Encoding, in thousandths; 0: it must not be used. A coding
// that is not named is worth what "*" is, and without that nothing, but for "identity", which is worth least. "gzip" is
// "x-gzip" as well.
int coding_worth(std::string_view accept_encoding, std::string_view coding);

}  // namespace gatehouse
