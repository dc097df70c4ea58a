#include "proxy/cli/host.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <format>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "config/names.h"
#include "config/target_rules.h"
#include "config/validate.h"
#include "config/web_config/web_config.h"

namespace gatehouse {

namespace {

constexpr std::string_view kCommand = "COMMAND";  // stands for the place of what follows "--"

bool is_folder(const std::vector<std::string>& command) {
  std::error_code error;
  return command.size() == 1 && std::filesystem::is_directory(command[0], error);
}

// Without a folder and what follows the first dot, in the characters that a name may have.
std::string stem_of(const std::string& path) {
  std::string stem = std::filesystem::path(path).filename().string();
  stem.resize(std::min(stem.find('.', 1), stem.size()));
  std::erase_if(stem, [](char c) { return !config::is_target_name(std::string_view(&c, 1)); });
  return stem;
}

// True for what is named like "python3.13" too.
bool runs_scripts(const std::string& program) {
  static constexpr std::array<std::string_view, 14> kInterpreters{
      "dotnet", "node", "nodejs", "python", "java", "ruby", "php", "perl", "sh", "bash", "deno", "bun", "npx", "env"};
  std::string name = stem_of(program);
  while (!name.empty() && name.back() >= '0' && name.back() <= '9') name.pop_back();
  return std::ranges::contains(kInterpreters, name);
}

template <class E, std::size_t N>
void choose(const std::string& word, E& value, const config::Names<E, N>& names) {
  const auto* const found = std::ranges::find(names.texts, word);
  if (found != names.texts.end()) value = names.values[static_cast<std::size_t>(found - names.texts.begin())];
}

config::App app_of_command(const HostOptions& options, const FrontBuilder& builder) {
  config::App app;
  app.command = options.command;
  app.command_location = app.location = builder.at(kCommand);
  if (!app.command.empty() && app.command[0].contains('/')) app.command[0] = absolute_path(app.command[0]);
  app.directory = absolute_path(".");
  app.detailed_errors = true;  // to loopback clients only: whoever tries a command wants to know why it fails
  return app;
}

// Says what it could not use; a warning is no mistake, and the app comes all the same.
config::App app_of_folder(const std::string& folder, FrontBuilder& builder, config::Route& route) {
  config::WebConfig web_config = config::read_web_config(folder);
  builder.add(std::move(web_config.diagnostics));
  config::Config& config = builder.config();
  config.server.watch = true;  // its web.config: what is changed there holds at once
  if (web_config.response) config.timeouts.response = *web_config.response;
  if (web_config.max_request_body) config.limits.max_request_body = web_config.max_request_body;
  for (config::Listener& listener : config.listeners) {
    listener.redirect_to_https |= web_config.redirect_to_https && !listener.tls;
  }
  route.response_headers = std::move(web_config.response_headers);
  route.hosts = std::move(web_config.hosts);
  route.allow = std::move(web_config.allow);
  route.deny = std::move(web_config.deny);
  config.routes = std::move(web_config.routes);
  return web_config.app.value_or(config::App{});
}

// The application's route, behind those of its site's rules, for all of which holds what holds for the site.
void route_to_app(const std::string& name, const config::Route& site, FrontBuilder& builder) {
  builder.route_to(name, kCommand);
  std::vector<config::Route>& routes = builder.config().routes;
  routes.back().hosts = site.hosts;
  const auto is_whole_site = [](const config::Route& route) { return route.path == "/" && route.hosts.empty(); };
  if (site.hosts.empty() && std::ranges::any_of(routes.begin(), routes.end() - 1, is_whole_site)) {
    routes.pop_back();  // <httpRedirect>, or a rule that rewrites whatever is asked for
  }
  for (config::Route& route : routes) {
    if (auto* const forward = std::get_if<config::Forward>(&route.action)) {
      *forward = {.upstream = name, .location = builder.at(kCommand)};
    }
    if (route.hosts.empty() && !is_whole_site(route)) route.hosts = site.hosts;
    route.response_headers = site.response_headers;
    route.allow = site.allow;
    route.deny = site.deny;
  }
}

void read_environment(const HostOptions& options, FrontBuilder& builder, config::App& app) {
  for (const std::string& text : options.environment) {
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    if (equals == std::string::npos || !config::is_environment_name(name)) {
      builder.error("--env", std::format("\"{}\" is not NAME=VALUE", text));
    } else {
      app.environment.emplace_back(name, text.substr(equals + 1));
    }
  }
}

void read_overrides(const HostOptions& options, FrontBuilder& builder, config::App& app) {
  app.start = AppStart::kEager;
  app.name = options.name.empty() ? app_name_of(app.command) : options.name;
  if (!config::is_target_name(app.name)) {
    builder.error(
        "--name",
        std::format("\"{}\" is no name for an app; use at most 64 letters, digits, \"-\", \"_\" and \".\"", app.name));
  }
  if (options.instances != 0) app.instances = options.instances;
  choose(options.transport, app.transport, config::kAppTransportNames);
  choose(options.profile, app.profile, config::kAppProfileNames);
  if (!options.ready_path.empty() && builder.check(config::check_request_path(options.ready_path), "--ready-path")) {
    app.ready_path = options.ready_path;
  }
  read_environment(options, builder, app);
  if (!options.directory.empty()) {
    app.directory = absolute_path(options.directory);
    app.directory_location = builder.at("--directory");
  }
  if (app.directory.size() > 1 && app.directory.ends_with('/')) app.directory.pop_back();
}

}  // namespace

std::string app_name_of(const std::vector<std::string>& command) {
  if (command.empty()) return "app";
  const std::string* named = command.data();
  if (runs_scripts(command[0])) {
    const auto script = std::ranges::find_if(command.begin() + 1, command.end(),
                                             [](const std::string& word) { return !word.starts_with('-'); });
    if (script != command.end()) named = &*script;
  }
  const std::string name = stem_of(*named);
  return config::is_target_name(name) ? name : "app";
}

config::Loaded host_config(const HostOptions& options, CertificateStore& certificates) {
  FrontBuilder builder(options.front);
  std::string folder = is_folder(options.command) ? absolute_path(options.command[0]) : "";
  if (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  if (!folder.empty() && !config::has_web_config(folder)) {
    builder.error(folder, "this folder has no web.config; write the command that starts the application behind --");
    return builder.finish(certificates);
  }
  config::Route site;  // what web.config says of all its routes
  config::App app = folder.empty() ? app_of_command(options, builder) : app_of_folder(folder, builder, site);
  read_overrides(options, builder, app);
  if (folder.empty() && options.starts_now) {
    // Of a folder, which is watched, the program may yet be on its way.
    if (const auto why_not = config::why_not_started(app)) builder.error(kCommand, *why_not);
  }
  route_to_app(app.name, site, builder);
  builder.config().apps.push_back(std::move(app));
  return builder.finish(certificates);
}

std::vector<std::string> take_hosted_command(std::vector<std::string>& words) {
  if (words.front() != "host") return {};
  const auto mark = std::ranges::find(words, "--");
  if (mark == words.end() || mark + 1 == words.end()) return {};
  std::vector<std::string> hosted(mark + 2, words.end());
  words.erase(mark + 2, words.end());
  return hosted;
}

}  // namespace gatehouse
