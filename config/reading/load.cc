#include "config/reading/load.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "common/crypto/certificate_store.h"
#include "config/reading/assembly.h"
#include "config/reading/schema.h"
#include "config/reading/sections.h"
#include "config/reading/toml_reader.h"
#include "config/validate.h"

namespace gatehouse::config {

namespace {

// One line each, whatever the file, the environment or the parser put in.
void make_one_line(Diagnostic& diagnostic) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; };
  std::ranges::replace_if(diagnostic.message, is_control, ' ');
}

// File by file, in the order of reading; what is in none of them comes last.
void sort(std::vector<Diagnostic>& diagnostics, const std::vector<Sources::File>& files) {
  std::map<std::string_view, std::size_t> order;
  for (const Sources::File& file : files) order.emplace(file.name, order.size());
  std::ranges::stable_sort(diagnostics, {}, [&](const Diagnostic& diagnostic) {
    const auto at = order.find(diagnostic.location.file);
    return std::tuple(at == order.end() ? order.size() : at->second, diagnostic.location.line,
                      diagnostic.location.column);
  });
}

Loaded finish(Config config, std::vector<Diagnostic> diagnostics, Sources sources) {
  for (Diagnostic& diagnostic : diagnostics) {
    diagnostic.message = config.veil.over(diagnostic.message);
    diagnostic.remedy = config.veil.over(diagnostic.remedy);
    make_one_line(diagnostic);
  }
  sort(diagnostics, sources.files);
  sources.veil = config.veil;
  Loaded loaded{.config = std::nullopt, .diagnostics = std::move(diagnostics), .sources = std::move(sources)};
  if (!has_errors(loaded.diagnostics)) loaded.config = std::move(config);
  return loaded;
}

Gaps gaps_of(const Reading& reading) {
  const auto any = [&](std::initializer_list<const char*> keys) {
    return std::ranges::any_of(keys, [&](const char* key) { return reading.unread.contains(key); });
  };
  return {.targets = any({"upstreams", "apps"}),
          .https = any({"listeners", "listeners.tls"}),
          .routes = any({"routes", "routes.to", "routes.redirect", "routes.respond", "routes.files"})};
}

// Asks the machine where there is a store for what it reads of certificates. `add` gives the Assembly its first file.
Loaded read(const std::string& filename, CertificateStore* certificates, const std::function<void(Assembly&)>& add) {
  Config config{.file = filename};
  Merge merge;
  Reading reading;
  reading.known_keys = known_keys();  // to say where a key belongs that stands in another table
  Assembly assembly(reading, [&](TableReader& top) { read_config(top, config, merge); });
  add(assembly);
  // What a file that could not be read would have held is not missing.
  const bool whole = assembly.whole();
  if (whole) check_complete(reading, config, merge);
  config.veil = std::move(reading.veil);
  std::vector<Diagnostic> diagnostics = std::move(reading.diagnostics);
  if (whole) std::ranges::move(validate(config, gaps_of(reading)), std::back_inserter(diagnostics));
  Sources sources = assembly.take_sources();
  if (certificates != nullptr) {
    std::ranges::move(warnings_of_writers(sources), std::back_inserter(diagnostics));
    if (whole) std::ranges::move(look_up_owners(config), std::back_inserter(diagnostics));
    if (whole) std::ranges::move(validate_machine(config, *certificates), std::back_inserter(diagnostics));
  }
  return finish(std::move(config), std::move(diagnostics), std::move(sources));
}

}  // namespace

Loaded load(const std::string& path, CertificateStore& certificates) {
  return read(path, &certificates, [&](Assembly& assembly) { assembly.add_file(path); });
}

Loaded load(const std::string& path) {
  CertificateStore certificates;
  return load(path, certificates);
}

Loaded load_without_machine(const std::string& path) {
  return read(path, nullptr, [&](Assembly& assembly) { assembly.add_file(path); });
}

Loaded parse(std::string_view text, const std::string& filename) {
  return read(filename, nullptr, [&](Assembly& assembly) { assembly.add_text(text, filename); });
}

std::optional<Server> server_of(const std::string& path) {
  Server server;
  Reading reading;  // what it finds wrong is for others to say
  Assembly assembly(
      reading, [&](TableReader& top) { top.table("server", [&](TableReader& table) { read_server(table, server); }); });
  assembly.add_file(path);
  if (!assembly.begun()) return std::nullopt;
  return server;
}

std::optional<std::string> control_socket_of(const std::string& path) {
  const std::optional<Server> server = server_of(path);
  if (!server) return std::nullopt;
  return server->control;
}

std::set<std::string> known_keys() {
  Config config;
  Merge merge;
  Reading reading;
  Assembly(reading, [&](TableReader& top) { read_config(top, config, merge); }).ask_for_keys();
  return std::move(reading.known_keys);
}

std::set<std::string> used_keys(std::string_view text) {
  Config config;
  Merge merge;
  Reading reading;
  Assembly(reading, [&](TableReader& top) { read_config(top, config, merge); }).add_text(text, "");
  return std::move(reading.used_keys);
}

}  // namespace gatehouse::config
