// Any bytes as a configuration: never a crash, nothing but text on the screen, and what loads is written as a text that
// loads to the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/reading/load.h"
#include "config/showing/excerpt.h"
#include "config/to_toml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatehouse;
  const auto loaded = config::parse({reinterpret_cast<const char*>(data), size}, "/etc/gatehouse/fuzz.toml");
  if (loaded.config.has_value() == config::has_errors(loaded.diagnostics)) std::abort();
  for (const auto& diagnostic : loaded.diagnostics) {
    if (diagnostic.to_string().contains('\n')) std::abort();
  }
  const std::string shown = config::lines_with_excerpts(loaded.diagnostics, loaded.sources, config::Colours::kPlain);
  for (const char c : shown) {
    if (static_cast<unsigned char>(c) < ' ' && c != '\n') std::abort();
  }
  if (!loaded.config) return 0;
  const std::string text = config::to_toml(*loaded.config);
  const auto again = config::parse(text, "/etc/gatehouse/fuzz.toml");
  if (!again.config || config::to_toml(*again.config) != text) std::abort();
  return 0;
}
