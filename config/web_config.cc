#include "config/web_config.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <format>
#include <fstream>
#include <pugixml.hpp>
#include <system_error>
#include <utility>

#include "common/text.h"
#include "config/quoting.h"
#include "config/target_rules.h"
#include "config/windows_paths.h"

namespace gatehouse::config {

namespace {

constexpr std::string_view kFileName = "/web.config";
constexpr std::size_t kLargestFile = std::size_t{1024} * 1024;
constexpr std::uint64_t kMostStartSeconds = 3600;
constexpr std::uint64_t kMostStopSeconds = 600;
constexpr std::uint64_t kMostInstances = 100;

class WebConfigReader {
 public:
  WebConfigReader(std::string_view text, const std::string& folder) : text_(text), folder_(folder) {}

  WebConfig read();

 private:
  struct Range {
    std::uint64_t min;
    std::uint64_t max;
  };

  Location location_of(std::size_t offset) const;
  Location location_of(const pugi::xml_node& node) const;
  Location location_of(const pugi::xml_node& node, const pugi::xml_attribute& attribute) const;
  void error(const Location& where, std::string message);
  void warning(const Location& where, std::string message);
  void not_used(const pugi::xml_node& node);

  void find_module(const pugi::xml_node& parent);
  void read_web_server(const pugi::xml_node& node);
  void read_module(const pugi::xml_node& module);
  void read_command();
  void read_attribute(const pugi::xml_attribute& attribute);
  void read_other(const pugi::xml_attribute& attribute, const Location& where);
  void read_output();
  void read_variables(const pugi::xml_node& variables);
  std::optional<std::uint64_t> number(const pugi::xml_attribute& attribute, Range range);
  std::optional<bool> truth(const pugi::xml_attribute& attribute);
  void read_request_timeout(const pugi::xml_attribute& attribute);

  const std::string_view text_;
  const std::string& folder_;
  WebConfig result_;
  App app_;
  pugi::xml_node module_;
};

Location WebConfigReader::location_of(std::size_t offset) const {
  const std::string_view before = text_.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {.file = folder_ + std::string(kFileName),
          .line = static_cast<unsigned>(1 + std::ranges::count(before, '\n')),
          .column = static_cast<unsigned>(before.size() - line_start + 1)};
}

Location WebConfigReader::location_of(const pugi::xml_node& node) const {
  return location_of(static_cast<std::size_t>(std::max<std::ptrdiff_t>(node.offset_debug(), 0)));
}

// The parser keeps no places of attributes: it is the first word of that name in the element's tag.
Location WebConfigReader::location_of(const pugi::xml_node& node, const pugi::xml_attribute& attribute) const {
  const auto start = static_cast<std::size_t>(std::max<std::ptrdiff_t>(node.offset_debug(), 0));
  const std::string_view name = attribute.name();
  for (std::size_t at = text_.find(name, start); at != std::string_view::npos; at = text_.find(name, at + 1)) {
    if (at > start && std::string_view(" \t\r\n").contains(text_[at - 1])) return location_of(at);
  }
  return location_of(start);
}

void WebConfigReader::error(const Location& where, std::string message) {
  result_.diagnostics.push_back({.location = where, .message = std::move(message)});
}

void WebConfigReader::warning(const Location& where, std::string message) {
  result_.diagnostics.push_back({.severity = Severity::kWarning, .location = where, .message = std::move(message)});
}

void WebConfigReader::not_used(const pugi::xml_node& node) {
  if (node.type() == pugi::node_element) warning(location_of(node), std::format("<{}> is not used here", node.name()));
}

WebConfig WebConfigReader::read() {
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(text_.data(), text_.size());
  if (!parsed) {
    error(location_of(static_cast<std::size_t>(std::max<std::ptrdiff_t>(parsed.offset, 0))),
          std::format("this is no XML: {}", text::lower(parsed.description())));
    return std::move(result_);
  }
  app_.location = {.file = folder_ + std::string(kFileName)};
  find_module(document.child("configuration"));
  if (!module_) {
    error({.file = folder_ + std::string(kFileName)},
          "there is no <aspNetCore> in <system.webServer>: this is not the web.config of an ASP.NET Core application");
    return std::move(result_);
  }
  read_module(module_);
  if (!has_errors(result_.diagnostics)) result_.app = std::move(app_);
  return std::move(result_);
}

void WebConfigReader::find_module(const pugi::xml_node& parent) {
  for (const pugi::xml_node& child : parent.children()) {
    const std::string_view name = child.name();
    const std::string_view path = child.attribute("path").as_string(".");
    if (name == "system.webServer") {
      read_web_server(child);
    } else if (name == "location" && (path == "." || path.empty()) && !parent.parent().parent()) {
      find_module(child);
    } else {
      not_used(child);
    }
  }
}

void WebConfigReader::read_web_server(const pugi::xml_node& node) {
  for (const pugi::xml_node& child : node.children()) {
    const std::string_view name = child.name();
    if (name == "aspNetCore" && !module_) {
      module_ = child;
    } else if (name != "handlers") {  // they lead to the module
      not_used(child);
    }
  }
}

void WebConfigReader::read_module(const pugi::xml_node& module) {
  app_.location = app_.command_location = app_.directory_location = location_of(module);
  app_.directory = folder_;
  app_.start = AppStart::kEager;
  app_.profile = AppProfile::kAspNetCore;
  app_.detailed_errors = true;  // unless disableStartUpErrorPage says otherwise
  read_command();
  for (const pugi::xml_attribute& attribute : module.attributes()) read_attribute(attribute);
  read_output();
  for (const pugi::xml_node& child : module.children()) {
    if (std::string_view(child.name()) == "environmentVariables") {
      read_variables(child);
    } else {
      not_used(child);
    }
  }
}

void WebConfigReader::read_command() {
  const pugi::xml_attribute path = module_.attribute("processPath");
  const pugi::xml_attribute arguments = module_.attribute("arguments");
  if (path.empty() || std::string_view(path.value()).empty()) {
    error(location_of(module_), "<aspNetCore> needs processPath, such as \"dotnet\" or \".\\App.exe\"");
    return;
  }
  app_.command_location = location_of(module_, path);
  const auto expanded = expand_percent(path.value());
  if (!expanded) return error(app_.command_location, std::format("\"processPath\": {}", expanded.error().message));
  const auto program = local_program(*expanded, folder_);
  if (!program) return error(app_.command_location, std::format("\"processPath\": {}", program.error().message));
  if (!program->remark.empty()) warning(app_.command_location, std::format("\"processPath\": {}", program->remark));
  app_.command = program->command;

  const auto line = expand_percent(arguments.value());
  if (!line) return error(location_of(module_, arguments), std::format("\"arguments\": {}", line.error().message));
  for (const std::string& argument : split_windows_arguments(*line)) {
    app_.command.push_back(local_argument(argument, folder_));
  }
}

std::optional<std::uint64_t> WebConfigReader::number(const pugi::xml_attribute& attribute, Range range) {
  const auto value = text::parse_decimal(attribute.value());
  if (value && *value >= range.min && *value <= range.max) return value;
  error(location_of(module_, attribute), std::format("{} must be from {} to {}, not {}", in_quotes(attribute.name()),
                                                     range.min, range.max, in_quotes(attribute.value())));
  return std::nullopt;
}

std::optional<bool> WebConfigReader::truth(const pugi::xml_attribute& attribute) {
  const std::string value = text::lower(attribute.value());
  if (value == "true" || value == "false") return value == "true";
  error(location_of(module_, attribute), std::format("{} must be \"true\" or \"false\", not {}",
                                                     in_quotes(attribute.name()), in_quotes(attribute.value())));
  return std::nullopt;
}

void WebConfigReader::read_attribute(const pugi::xml_attribute& attribute) {
  using std::chrono::seconds;
  const std::string_view name = attribute.name();
  if (name == "startupTimeLimit") {
    if (const auto limit = number(attribute, {.min = 1, .max = kMostStartSeconds}))
      app_.start_timeout = seconds(*limit);
  } else if (name == "shutdownTimeLimit") {
    if (const auto limit = number(attribute, {.min = 0, .max = kMostStopSeconds})) app_.stop_timeout = seconds(*limit);
  } else if (name == "rapidFailsPerMinute") {
    const auto count = number(attribute, {.min = 0, .max = kMostInstances});
    if (count) app_.rapid_fail = {.count = static_cast<std::uint32_t>(*count), .window = std::chrono::minutes(1)};
  } else if (name == "processesPerApplication") {
    const auto count = number(attribute, {.min = 1, .max = kMostInstances});
    if (count) app_.instances = static_cast<std::uint32_t>(*count);
  } else if (name == "disableStartUpErrorPage") {
    if (const auto disabled = truth(attribute)) app_.detailed_errors = !*disabled;
  } else if (name == "requestTimeout") {
    read_request_timeout(attribute);
  } else {
    read_other(attribute, location_of(module_, attribute));
  }
}

// Those that were read elsewhere, or have no meaning here.
void WebConfigReader::read_other(const pugi::xml_attribute& attribute, const Location& where) {
  constexpr std::array<std::string_view, 4> kElsewhere{"processPath", "arguments", "stdoutLogEnabled", "stdoutLogFile"};
  const std::string_view name = attribute.name();
  if (std::ranges::contains(kElsewhere, name)) return;
  if (name == "hostingModel") {
    if (text::lower(attribute.value()) == "outofprocess") return;
    warning(where, R"("hostingModel" is not used: an application always has a process of its own here (outofprocess))");
  } else if (name == "forwardWindowsAuthToken") {
    if (truth(attribute) == true) {
      warning(where, "\"forwardWindowsAuthToken\" is not used: there is no Windows authentication here");
    }
  } else {
    warning(where, std::format("{} is not used here", in_quotes(name)));
  }
}

// HH:MM:SS
void WebConfigReader::read_request_timeout(const pugi::xml_attribute& attribute) {
  constexpr std::uint64_t kSixty = 60;
  constexpr std::uint64_t kMostHours = 8760;
  std::uint64_t seconds = 0;
  std::size_t parts = 0;
  bool good = true;
  std::string_view rest = attribute.value();
  while (good && parts < 3) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const auto part = text::parse_decimal(rest.substr(0, colon));
    good = part && *part <= (parts == 0 ? kMostHours : kSixty - 1) && (parts == 2) == (colon == rest.size());
    seconds = seconds * kSixty + part.value_or(0);
    rest.remove_prefix(std::min(colon + 1, rest.size()));
    ++parts;
  }
  if (good && seconds != 0) {
    result_.response = std::chrono::seconds(seconds);
    return;
  }
  error(location_of(module_, attribute),
        std::format("\"requestTimeout\" must be a time such as \"00:02:00\", not {}", in_quotes(attribute.value())));
}

void WebConfigReader::read_output() {
  const pugi::xml_attribute enabled = module_.attribute("stdoutLogEnabled");
  const pugi::xml_attribute file = module_.attribute("stdoutLogFile");
  if (enabled.empty() || truth(enabled) != true) return;  // its lines are in our log
  const auto expanded = expand_percent(file.as_string("aspnetcore-stdout"));
  const auto path = expanded ? local_path(*expanded, folder_) : expanded;
  if (!path) {
    warning(location_of(module_, file),
            std::format("\"stdoutLogFile\" is not used, what the application writes is in our log: {}",
                        path.error().message));
    return;
  }
  app_.output = AppOutput::kFile;
  app_.output_path = *path + ".log";
}

void WebConfigReader::read_variables(const pugi::xml_node& variables) {
  for (const pugi::xml_node& child : variables.children()) {
    if (std::string_view(child.name()) != "environmentVariable") {
      not_used(child);
      continue;
    }
    const std::string name = child.attribute("name").as_string();
    if (is_environment_name(name)) {
      app_.environment.emplace_back(name, child.attribute("value").as_string());
    } else {
      error(location_of(child), std::format("an environment variable cannot have the name {}", in_quotes(name)));
    }
  }
}

// Windows has no case in names of files.
std::string find_file(const std::string& folder) {
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    const std::string name = "/" + entry.path().filename().string();
    if (text::lower(name) == kFileName && entry.is_regular_file(failed)) return entry.path().string();
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
        {.location = {.file = folder + std::string(kFileName)}, .message = std::move(message)});
    return result;
  };
  const std::string path = find_file(folder);
  std::ifstream file(path, std::ios::binary);
  if (path.empty() || !file) return failed("cannot be read");
  std::string text(kLargestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLargestFile) return failed("larger than 1 MiB; this is no configuration");
  return parse_web_config(text, folder);
}

WebConfig parse_web_config(std::string_view text, const std::string& folder) {
  return WebConfigReader(text, folder).read();
}

}  // namespace gatehouse::config
