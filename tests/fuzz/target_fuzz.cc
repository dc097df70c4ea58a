// Request targets and paths: a decision about a path is one about its canonical form and its other readings, and what is
// forwarded leads to the same place.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "proxy/http/path_readings.h"
#include "proxy/http/target.h"

namespace gatehouse {
namespace {

void require(bool holds, std::string_view what, std::string_view input) {
  if (holds) return;
  std::cerr << what << ": " << input << "\n";
  std::abort();
}

// A path that is not ambiguous is nothing else to anybody; each reading is a path.
void check_readings(std::string_view path, const std::string& canonical) {
  const auto readings = target::path_readings(path);
  const bool ambiguous = target::settle(path)->ambiguous;
  require(ambiguous || readings, "not ambiguous and yet refused", path);
  if (!readings) return;
  for (const std::string& reading : *readings) {
    require(reading.starts_with('/') && reading.find_first_of(";\\ ?#") == std::string::npos, "not a path", reading);
    require(ambiguous || reading == canonical, "it has another reading", path);
  }
}

void check_path(std::string_view path) {
  const auto canonical = target::canonical_path(path);
  const auto resolved = target::resolved_path(path);
  require(canonical.has_value() == resolved.has_value(), "only one form", path);
  require(canonical || !target::is_canonical(path), "canonical and yet refused", path);
  if (!canonical) return;
  require(target::canonical_path(*canonical) == *canonical, "not its own canonical form", path);
  require(target::canonical_path(*resolved) == *canonical, "it is forwarded to another place", path);
  require(target::resolved_path(*resolved) == *resolved, "not its own resolved form", path);
  require(!target::is_canonical(path) || *canonical == path, "canonical and yet changed", path);
  require(canonical->starts_with('/') && !canonical->contains("//"), "not a path", path);
  for (const std::string_view never : {"/./", "/../", ";", "\\", "%2F", "%5C", "%00", "%2f", "%252F", "%255C"}) {
    require(!canonical->contains(never), never, path);
  }
  check_readings(path, *canonical);
  require(!canonical->ends_with("/.") && !canonical->ends_with("/.."), "dots at the end", path);
}

void check_authority(std::string_view authority) {
  const auto normalised = target::normalised_authority(authority);
  if (!normalised) return;
  require(target::normalised_authority(*normalised) == *normalised, "not its own normal form", authority);
  require(normalised->find_first_of("@/,\\ \r\n?#%") == std::string::npos, "more than an authority", authority);
}

}  // namespace
}  // namespace gatehouse

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatehouse;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_path(input);
  check_authority(input);
  for (const std::string_view method : {"GET", "OPTIONS"}) {
    const auto parsed = target::parse(input, method);
    if (!parsed) continue;
    require(parsed->origin == "*" || parsed->origin.starts_with('/'), "neither path nor asterisk", input);
    const std::string escaped = target::escaped(parsed->origin);
    require(parsed->needs_escapes == (escaped != parsed->origin), "escapes, or not", input);
    require(target::escaped(escaped) == escaped, "escaped twice", input);
    const auto again = target::parse(escaped, method);
    require(again && !again->needs_escapes, "its escaped form is none", input);
    require(parsed->origin.find_first_of(" #\r\n\t") == std::string::npos, "it would end the request line", input);
    check_path(parsed->origin.substr(0, parsed->origin.find('?')));
  }
  return 0;
}
