#include "config/web_config/web_config.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <format>
#include <fstream>
#include <pugixml.hpp>
#include <system_error>
#include <utility>

#include "common/text.h"
#include "config/quoting.h"
#include "config/route_rules.h"
#include "config/web_config/notes.h"
#include "config/web_config/parts.h"

namespace gatehouse::config {

namespace {

constexpr std::string_view kFileName = "web.config";
constexpr std::size_t kLargestFile = std::size_t{1024} * 1024;

// <system.webServer>: the module, and what stands beside it.
pugi::xml_node read_web_server(const pugi::xml_node& node, WebConfigNotes& notes, WebConfig& result) {
  pugi::xml_node module;
  for (const pugi::xml_node& child : node.children()) {
    const std::string_view name = child.name();
    if ((name == "aspNetCore" || name == "httpPlatform") && !module) {
      module = child;
    } else if (name != "handlers") {  // they lead to the module
      read_web_site(child, notes, result);
    }
  }
  return module;
}

// <location path="old">: of what could be said of a part of the site, redirects are known.
void read_part(const pugi::xml_node& location, const std::string& path, WebConfigNotes& notes, WebConfig& result) {
  for (const pugi::xml_node& server : location.children()) {
    for (const pugi::xml_node& child : server.children()) {
      if (std::string_view(child.name()) == "httpRedirect") {
        read_http_redirect(child, path, notes, result);
      } else {
        notes.not_used(
            child, std::format("of {} alone; what holds for a part of the site is a route by hand", in_quotes(path)));
      }
    }
  }
}

// What holds for the whole folder: directly in <configuration>, or in a <location> of it.
pugi::xml_node find_module(const pugi::xml_node& parent, WebConfigNotes& notes, WebConfig& result) {
  pugi::xml_node module;
  for (const pugi::xml_node& child : parent.children()) {
    const std::string_view name = child.name();
    const std::string_view path = child.attribute("path").as_string(".");
    pugi::xml_node found;
    if (name == "system.webServer") {
      found = read_web_server(child, notes, result);
    } else if (name == "location" && (path == "." || path.empty()) && !parent.parent().parent()) {
      found = find_module(child, notes, result);
    } else if (name == "location" && check_path("/" + std::string(path))) {
      read_part(child, "/" + std::string(path), notes, result);
    } else {
      notes.not_used(child);
    }
    if (!module) module = found;
  }
  return module;
}

void read_document(std::string_view text, const std::string& folder, WebConfigNotes& notes, WebConfig& result) {
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(text.data(), text.size());
  if (!parsed) {
    notes.error(notes.place_of(static_cast<std::size_t>(std::max<std::ptrdiff_t>(parsed.offset, 0))),
                std::format("this is no XML: {}", text::lower(parsed.description())));
    return;
  }
  const pugi::xml_node module = find_module(document.child("configuration"), notes, result);
  if (!module) {
    notes.error(notes.whole_file(),
                "there is no <aspNetCore> in <system.webServer>: this is not the web.config of an ASP.NET Core "
                "application");
    return;
  }
  App app = read_web_module(module, folder, notes, result);
  if (!notes.has_errors()) result.app = std::move(app);
}

// Windows has no case in names of files.
std::string find_file(const std::string& folder) {
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    const std::string name = entry.path().filename().string();
    if (text::lower(name) == kFileName && entry.is_regular_file(failed)) return name;
  }
  return {};
}

}  // namespace

bool has_web_config(const std::string& folder) {
  return !find_file(folder).empty();
}

WebConfig read_web_config(const std::string& folder) {
  const auto failed = [&](std::string message) {
    WebConfig result;
    result.diagnostics.push_back(
        {.location = {.file = folder + "/" + std::string(kFileName)}, .message = std::move(message)});
    return result;
  };
  const std::string name = find_file(folder);
  std::ifstream file(folder + "/" + name, std::ios::binary);
  if (name.empty() || !file) return failed("cannot be read");
  std::string text(kLargestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLargestFile) return failed("larger than 1 MiB; this is no configuration");
  return parse_web_config(text, folder, name);
}

WebConfig parse_web_config(std::string_view text, const std::string& folder, const std::string& name) {
  WebConfig result;
  WebConfigNotes notes(text, folder + "/" + name);
  read_document(text, folder, notes, result);
  result.diagnostics = notes.take();
  return result;
}

}  // namespace gatehouse::config
