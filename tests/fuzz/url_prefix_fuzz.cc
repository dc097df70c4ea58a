// Prefixes that processes send, and the lines that they are in: what is taken has one form, and a prefix covers another
// only if all that comes to the other comes to it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/policy/url_prefix.h"
#include "proxy/discovery/registration_line.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gatehouse::UrlPrefix;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)gatehouse::parse_registration_line(text);
  const auto prefix = UrlPrefix::parse(text.substr(0, text.find('\n')));
  if (!prefix) return 0;
  if (UrlPrefix::parse(prefix->to_string()) != *prefix || !prefix->covers(*prefix)) std::abort();
  const std::size_t newline = text.find('\n');
  if (newline == std::string_view::npos) return 0;
  const auto other = UrlPrefix::parse(text.substr(newline + 1));
  if (!other) return 0;
  const bool below = other->path == prefix->path || prefix->path == "/" || other->path.starts_with(prefix->path + "/");
  const bool same = other->secure == prefix->secure && other->host == prefix->host && other->port == prefix->port &&
                    other->category == prefix->category;
  if (prefix->covers(*other) != (below && same)) std::abort();
  return 0;
}
