#include <array>
#include <cstdint>
#include <filesystem>
#include <format>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/names.h"
#include "config/quoting.h"
#include "config/reading/sections.h"
#include "config/target_rules.h"

namespace gatehouse::config {

namespace {

constexpr std::uint32_t kMostInstances = 100;
constexpr std::uint32_t kMostFailures = 1000;
constexpr std::string_view kFilePrefix = "file:";

bool has_nul(std::string_view text) {
  return text.contains('\0');
}

// Reads a program and its arguments. A program that is named with a "/" is a file, and relative to ours; without one it
// is looked for in PATH. Nothing where one of them is wrong.
bool read_words(TableReader& reader, std::string_view key, std::vector<std::string>& words) {
  bool good = true;
  const bool given = reader.strings(key, [&](const std::string& text, const Location& where) {
    if (has_nul(text) || (words.empty() && text.empty())) {
      reader.error(where, std::format("{}: {} is no {}", in_quotes(key), in_quotes(text),
                                      words.empty() ? "program to start" : "argument that a program can get"));
      good = false;
    }
    words.push_back(text);
  });
  if (!good) words.clear();
  if (!words.empty() && words[0].contains('/')) words[0] = reader.absolute(words[0]);
  return given;
}

void read_command(TableReader& reader, App& app) {
  app.command_location = reader.location("command");
  const bool given = read_words(reader, "command", app.command);
  if (given ? reader.is_empty_array("command") : !reader.has("command")) {
    reader.need(
        {"command"}, reader.location("command"),
        std::format(R"(the app {} needs a command, such as command = ["python3", "app.py"])", in_quotes(app.name)));
  }
}

void read_hooks(TableReader& reader, App& app) {
  app.hooks_location = reader.location();
  read_words(reader, "started", app.hooks.started);
  read_words(reader, "failed", app.hooks.failed);
  read_words(reader, "recycled", app.hooks.recycled);
  reader.read("timeout", app.hooks.timeout);
}

void read_process(TableReader& reader, App& app) {
  app.directory_location = reader.location("directory");
  app.environment_file_location = reader.location("environment_file");
  app.user_location = reader.location("user");
  reader.read_path_or_none("directory", app.directory);
  if (app.directory.empty()) app.directory = reader.absolute(".");
  if (app.directory.size() > 1 && app.directory.ends_with('/')) app.directory.pop_back();
  reader.named_strings("environment", [&](const std::string& name, const std::string& value, const Location& where) {
    if (is_environment_name(name) && !has_nul(value)) {
      app.environment.emplace_back(name, value);
    } else {
      reader.error(where, std::format("{} cannot be an environment variable: a name has no \"=\", a value no NUL",
                                      in_quotes(name)));
    }
  });
  reader.read_path_or_none("environment_file", app.environment_file);
  reader.strings("environment_from", [&](const std::string& text, const Location& where) {
    const std::string_view name = std::string_view(text).substr(0, text.size() - (text.ends_with('*') ? 1 : 0));
    if (is_environment_name(name) && !name.contains('*')) {
      app.environment_from.push_back(text);
    } else {
      reader.error(where, std::format(R"("environment_from" must list names or prefixes such as "DB_*", not {})",
                                      in_quotes(text)));
    }
  });
  if (reader.read("user", app.user) && has_nul(app.user)) {
    reader.error("user", std::format("{} is no name of a user", in_quotes(app.user)));
    app.user.clear();
  }
}

void read_readiness(TableReader& reader, App& app) {
  const auto check = [&](const std::string& path, std::string_view key, const Location& where) {
    const auto checked = check_request_path(path);
    if (!checked) reader.error(where, std::format("{}: {}", in_quotes(key), checked.error().message));
    return checked.has_value();
  };
  std::string path;
  if (reader.read("ready_path", path) && !path.empty() && check(path, "ready_path", reader.location("ready_path"))) {
    app.ready_path = path;
  }
  reader.strings("warmup", [&](const std::string& text, const Location& where) {
    if (check(text, "warmup", where)) app.warmup.push_back(text);
  });
}

void read_recycle(TableReader& reader, const std::string& directory, RecycleOptions& recycle) {
  reader.read("every", recycle.every, {.min = milliseconds(0)});
  reader.strings("at", [&](const std::string& text, const Location& where) {
    const auto time = parse_time_of_day(text);
    if (!time) {
      reader.error(where, std::format("\"at\": {}", time.error().message));
    } else if (std::ranges::contains(recycle.at, *time)) {
      reader.error(where, std::format("\"at\": {} is there twice", in_quotes(text)));
    } else {
      recycle.at.push_back(*time);
    }
  });
  reader.read("requests", recycle.requests);
  reader.read_size("memory", recycle.memory);
  reader.strings("on_change", [&](const std::string& text, const Location& where) {
    if (text.empty() || has_nul(text)) {
      reader.error(where, std::format("\"on_change\" must list files or folders, not {}", in_quotes(text)));
      return;
    }
    recycle.on_change.push_back((std::filesystem::path(directory) / text).lexically_normal().string());
  });
}

void read_output(TableReader& reader, App& app) {
  static constexpr std::array kWords{std::pair<std::string_view, AppOutput>{"log", AppOutput::kLog},
                                     std::pair<std::string_view, AppOutput>{"inherit", AppOutput::kInherit},
                                     std::pair<std::string_view, AppOutput>{"off", AppOutput::kOff}};
  std::string text;
  if (!reader.read("output", text)) return;
  for (const auto& [word, output] : kWords) {
    if (text != word) continue;
    app.output = output;
    return;
  }
  if (!text.starts_with(kFilePrefix) || text.size() == kFilePrefix.size() || has_nul(text)) {
    reader.error("output",
                 std::format(R"("output" must be "log", "file:PATH", "inherit" or "off", not {})", in_quotes(text)));
    return;
  }
  app.output = AppOutput::kFile;
  app.output_path = reader.absolute(text.substr(kFilePrefix.size()));
}

void read_life(TableReader& reader, App& app) {
  reader.read("instances", app.instances, {.min = 1, .max = kMostInstances});
  reader.read("start", app.start, kAppStartNames);
  reader.read("transport", app.transport, kAppTransportNames);
  reader.read("profile", app.profile, kAppProfileNames);
  read_readiness(reader, app);
  reader.read("start_timeout", app.start_timeout);
  reader.read("stop_timeout", app.stop_timeout, {.min = milliseconds(0)});
  reader.read("stop_signal", app.stop_signal, kStopSignalNames);
  reader.table("rapid_fail", [&](TableReader& table) {
    table.read("count", app.rapid_fail.count, {.min = 0, .max = kMostFailures});
    table.read("window", app.rapid_fail.window);
  });
  reader.read("idle_stop", app.idle_stop, {.min = milliseconds(0)});
  if (app.idle_stop.count() != 0 && app.start == AppStart::kEager) {
    reader.warning("idle_stop", R"("idle_stop" beside start = "eager": once stopped, the next request starts it)");
  }
  reader.table("recycle", [&](TableReader& table) { read_recycle(table, app.directory, app.recycle); });
  reader.table("hooks", [&](TableReader& table) { read_hooks(table, app); });
  if (reader.read("offline_file", app.offline_file) && has_nul(app.offline_file)) {
    reader.error("offline_file", "\"offline_file\" must be the path of a file, or \"\" for none");
  }
  read_output(reader, app);
  reader.read("error_page", app.detailed_errors, kErrorPageNames);
}

}  // namespace

void read_app(const std::string& name, TableReader& reader, App& app) {
  app.name = name;
  app.location = reader.location();
  if (!is_target_name(name)) {
    reader.error(reader.location(),
                 std::format("{} is no name for an app; use at most 64 letters, digits, \"-\", \"_\" and \".\"",
                             in_quotes(name)));
  }
  read_command(reader, app);
  read_process(reader, app);
  read_life(reader, app);
  read_balancing(reader, app.balancing);
}

}  // namespace gatehouse::config
