#include <algorithm>
#include <array>
#include <cstdint>
#include <format>
#include <string_view>
#include <utility>

#include "common/text.h"
#include "config/quoting.h"
#include "config/target_rules.h"
#include "config/web_config/parts.h"
#include "config/web_config/windows_paths.h"

namespace gatehouse::config {

namespace {

constexpr std::uint64_t kMostStartSeconds = 3600;
constexpr std::uint64_t kMostStopSeconds = 600;
constexpr std::uint64_t kMostInstances = 100;
constexpr std::chrono::hours kLongestResponse{8760};

class ModuleReader {
 public:
  ModuleReader(const pugi::xml_node& module, const std::string& folder, WebConfigNotes& notes, WebConfig& result)
      : module_(module), folder_(folder), notes_(notes), result_(result) {}

  App read();

 private:
  struct Range {
    std::uint64_t min;
    std::uint64_t max;
  };

  bool is_asp_net() const { return std::string_view(module_.name()) == "aspNetCore"; }
  Location place_of(const pugi::xml_attribute& attribute) const { return notes_.place_of(module_, attribute); }
  void read_command();
  void read_arguments();
  void read_attribute(const pugi::xml_attribute& attribute);
  void read_other(const pugi::xml_attribute& attribute);
  void read_output();
  void read_child(const pugi::xml_node& child);
  void read_variables(const pugi::xml_node& variables);
  void read_variable(const pugi::xml_node& variable);
  void read_watched(const pugi::xml_node& files);
  std::optional<std::uint64_t> number(const pugi::xml_attribute& attribute, Range range);
  std::optional<bool> truth(const pugi::xml_attribute& attribute);
  void read_start_limit(const pugi::xml_attribute& attribute);
  void read_request_timeout(const pugi::xml_attribute& attribute);

  const pugi::xml_node module_;
  const std::string& folder_;
  WebConfigNotes& notes_;
  WebConfig& result_;
  App app_;
};

App ModuleReader::read() {
  app_.location = app_.command_location = app_.directory_location = notes_.place_of(module_);
  app_.directory = folder_;
  app_.start = AppStart::kEager;
  app_.profile = is_asp_net() ? AppProfile::kAspNetCore : AppProfile::kGeneric;
  app_.detailed_errors = true;  // unless disableStartUpErrorPage says otherwise
  // What the next publish writes. (Settings are watched by the application itself.)
  app_.recycle.on_change = {notes_.whole_file().file};
  if (is_asp_net()) {
    for (const std::string_view pattern : {"/*.dll", "/*.deps.json", "/*.runtimeconfig.json"}) {
      app_.recycle.on_change.push_back(folder_ + std::string(pattern));
    }
  }
  read_command();
  for (const pugi::xml_attribute& attribute : module_.attributes()) read_attribute(attribute);
  read_output();
  for (const pugi::xml_node& child : module_.children()) read_child(child);
  return std::move(app_);
}

void ModuleReader::read_command() {
  const pugi::xml_attribute path = module_.attribute("processPath");
  if (path.empty() || std::string_view(path.value()).empty()) {
    notes_.error(notes_.place_of(module_),
                 std::format(R"(<{}> needs processPath, such as "dotnet" or ".\App.exe")", module_.name()));
    return;
  }
  app_.command_location = place_of(path);
  const auto program = program_of(path.value(), folder_);
  if (!program) {
    return notes_.error(app_.command_location, std::format("\"processPath\": {}", program.error().message));
  }
  if (!program->remark.empty()) {
    notes_.warning(app_.command_location, std::format("\"processPath\": {}", program->remark));
  }
  app_.command = program->command;
  read_arguments();
}

void ModuleReader::read_arguments() {
  const pugi::xml_attribute arguments = module_.attribute("arguments");
  const auto line = expand_percent(arguments.value());
  if (!line) return notes_.error(place_of(arguments), std::format("\"arguments\": {}", line.error().message));
  for (const std::string& argument : split_windows_arguments(*line)) {
    app_.command.push_back(local_argument(argument, folder_));
  }
}

std::optional<std::uint64_t> ModuleReader::number(const pugi::xml_attribute& attribute, Range range) {
  const auto value = text::parse_decimal(attribute.value());
  if (value && *value >= range.min && *value <= range.max) return value;
  notes_.error(place_of(attribute), std::format("{} must be from {} to {}, not {}", in_quotes(attribute.name()),
                                                range.min, range.max, in_quotes(attribute.value())));
  return std::nullopt;
}

std::optional<bool> ModuleReader::truth(const pugi::xml_attribute& attribute) {
  const std::string value = text::lower(attribute.value());
  if (value == "true" || value == "false") return value == "true";
  notes_.error(place_of(attribute), std::format("{} must be \"true\" or \"false\", not {}", in_quotes(attribute.name()),
                                                in_quotes(attribute.value())));
  return std::nullopt;
}

void ModuleReader::read_attribute(const pugi::xml_attribute& attribute) {
  const std::string_view name = attribute.name();
  if (name == "startupTimeLimit") {
    read_start_limit(attribute);
  } else if (name == "shutdownTimeLimit") {
    const auto limit = number(attribute, {.min = 0, .max = kMostStopSeconds});
    if (limit) app_.stop_timeout = std::chrono::seconds(*limit);
  } else if (name == "rapidFailsPerMinute") {
    // So many failures are let pass; ours is the number of the one that is not.
    const auto count = number(attribute, {.min = 0, .max = kMostInstances});
    if (count) app_.rapid_fail = {.count = static_cast<std::uint32_t>(*count) + 1, .window = std::chrono::minutes(1)};
  } else if (name == "processesPerApplication") {
    const auto count = number(attribute, {.min = 1, .max = kMostInstances});
    if (count) app_.instances = static_cast<std::uint32_t>(*count);
  } else if (name == "disableStartUpErrorPage") {
    if (const auto disabled = truth(attribute)) app_.detailed_errors = !*disabled;
  } else if (name == "requestTimeout") {
    read_request_timeout(attribute);
  } else {
    read_other(attribute);
  }
}

// Those that were read elsewhere, or have no meaning here. A process of its own it has in either hosting model.
void ModuleReader::read_other(const pugi::xml_attribute& attribute) {
  constexpr std::array<std::string_view, 5> kElsewhere{"processPath", "arguments", "stdoutLogEnabled", "stdoutLogFile",
                                                       "hostingModel"};
  const std::string_view name = attribute.name();
  if (std::ranges::contains(kElsewhere, name)) return;
  if (name == "forwardWindowsAuthToken") {
    if (truth(attribute) == true) {
      notes_.warning(
          place_of(attribute),
          "\"forwardWindowsAuthToken\" is not used: there is no Windows token on Linux; see \"auth\" of a route");
    }
  } else {
    notes_.warning(place_of(attribute), std::format("{} is not used here", in_quotes(name)));
  }
}

void ModuleReader::read_start_limit(const pugi::xml_attribute& attribute) {
  const auto limit = number(attribute, {.min = 0, .max = kMostStartSeconds});
  if (!limit) return;
  app_.start_timeout = std::chrono::seconds(*limit == 0 ? kMostStartSeconds : *limit);
  if (*limit == 0) {
    notes_.warning(place_of(attribute), std::format("\"startupTimeLimit\" of 0 would end every start: {} is taken, "
                                                    "the longest that there is",
                                                    kMostStartSeconds));
  }
}

void ModuleReader::read_request_timeout(const pugi::xml_attribute& attribute) {
  const auto time = parse_windows_time(attribute.value());
  if (!time || *time > kLongestResponse) {
    return notes_.error(place_of(attribute),
                        std::format("\"requestTimeout\" must be a time such as \"00:02:00\" of at most {} h, not {}",
                                    kLongestResponse.count(), in_quotes(attribute.value())));
  }
  result_.response = time->count() == 0 ? std::chrono::seconds(kLongestResponse) : *time;  // 0: none
}

void ModuleReader::read_output() {
  const pugi::xml_attribute enabled = module_.attribute("stdoutLogEnabled");
  const pugi::xml_attribute file = module_.attribute("stdoutLogFile");
  if (enabled.empty() || truth(enabled) != true) return;  // its lines are in our log
  const auto expanded = expand_percent(file.as_string("aspnetcore-stdout"));
  const auto path = expanded ? local_path(*expanded, folder_) : expanded;
  if (!path) {
    notes_.warning(place_of(file),
                   std::format("\"stdoutLogFile\" is not used, what the application writes is in our log: {}",
                               path.error().message));
    return;
  }
  app_.output = AppOutput::kFile;
  app_.output_path = *path + ".log";
}

void ModuleReader::read_child(const pugi::xml_node& child) {
  const std::string_view name = child.name();
  if (name == "environmentVariables") {
    read_variables(child);
  } else if (name == "recycleOnFileChange") {
    read_watched(child);
  } else {
    notes_.not_used(child);
  }
}

void ModuleReader::read_variables(const pugi::xml_node& variables) {
  for (const pugi::xml_node& child : variables.children()) {
    const std::string_view name = child.name();
    if (name == "environmentVariable") {
      read_variable(child);
    } else if (name != "clear") {  // none is inherited from a server's configuration
      notes_.not_used(child);
    }
  }
}

// The last of a name wins. Windows has no case in them; here two that differ in case are two.
void ModuleReader::read_variable(const pugi::xml_node& variable) {
  const std::string name = variable.attribute("name").as_string();
  const Location where = notes_.place_of(variable);
  if (!is_environment_name(name)) {
    return notes_.error(where, std::format("an environment variable cannot have the name {}", in_quotes(name)));
  }
  auto value = expand_percent(variable.attribute("value").as_string());
  if (!value) value = variable.attribute("value").as_string();
  for (auto& [known, text] : app_.environment) {
    if (known == name) {
      notes_.warning(where, std::format("the environment variable {} is there twice; the last one counts", name));
      text = *std::move(value);
      return;
    }
    if (text::iequals(known, name)) {
      notes_.warning(where, std::format("{} and {} are one environment variable on Windows, and two here; leave out "
                                        "the one that the application does not read",
                                        in_quotes(known), in_quotes(name)));
    }
  }
  app_.environment.emplace_back(name, *std::move(value));
}

void ModuleReader::read_watched(const pugi::xml_node& files) {
  for (const pugi::xml_node& child : files.children()) {
    const std::string_view path = child.attribute("path").value();
    const auto local = local_path(path, folder_);
    if (std::string_view(child.name()) != "file" || path.empty()) {
      notes_.not_used(child);
    } else if (!local) {
      notes_.not_used(child, local.error().message);
    } else {
      app_.recycle.on_change.push_back(*local);
    }
  }
}

}  // namespace

App read_web_module(const pugi::xml_node& module, const std::string& folder, WebConfigNotes& notes, WebConfig& result) {
  return ModuleReader(module, folder, notes, result).read();
}

}  // namespace gatehouse::config
