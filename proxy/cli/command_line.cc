#include "proxy/cli/command_line.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <format>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/log.h"
#include "common/version.h"
#include "config/names.h"
#include "config/reading/load.h"
#include "config/target_rules.h"
#include "config/to_toml.h"
#include "proxy/cli/client.h"
#include "proxy/cli/doctor.h"
#include "proxy/cli/environment.h"
#include "proxy/cli/explain.h"
#include "proxy/cli/healthcheck.h"
#include "proxy/cli/host.h"
#include "proxy/cli/library_versions.h"
#include "proxy/cli/output.h"
#include "proxy/cli/proxy.h"
#include "proxy/cli/scripts.h"
#include "proxy/cli/status.h"
#include "proxy/server/server.h"
#include "proxy/system/signals.h"

namespace gatehouse {

namespace {

// Where a configuration is looked for when none is named; empty: there is none.
std::string default_file() {
  for (const char* const path : {"gatehouse.toml", "/etc/gatehouse/gatehouse.toml"}) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) return path;
  }
  return {};
}

struct Target {
  std::string file;     // FILE; empty: the default one
  std::string control;  // --control
  std::string admin;    // --admin

  std::string file_or_default() const { return file.empty() ? default_file() : file; }
};

constexpr std::string_view kNoFile =
    "no configuration: neither ./gatehouse.toml nor /etc/gatehouse/gatehouse.toml exists; name a FILE, set "
    "GATEHOUSE_TO, "
    "or use `gatehouse proxy --to ADDRESS` or `gatehouse host -- COMMAND`";

int run(const Target& target) {
  const std::string file = target.file_or_default();
  if (file.empty()) return complain(kNoFile);
  Signals::block();
  return Server([file] { return config::load(file); }).run();
}

int check(const Target& target) {
  const std::string file = target.file_or_default();
  if (file.empty()) return complain(kNoFile);
  const config::Loaded loaded = config::load(file);
  print(loaded.diagnostics);
  if (!loaded.config) return kExitFailed;
  const auto more = machine_diagnostics(*loaded.config);
  print(more);
  if (config::has_errors(more)) return kExitFailed;
  print(stdout, std::format("{}: valid\n", file));
  return kExitFine;
}

// A server whose configuration is made of options: served, or only shown.
int serve(std::function<config::Loaded()> load, bool print_config) {
  if (print_config) {
    const config::Loaded loaded = load();
    print(loaded.diagnostics);
    if (!loaded.config) return kExitFailed;
    print(stdout, config::to_toml(*loaded.config));
    return kExitFine;
  }
  Signals::block();
  return Server(std::move(load)).run();
}

int command(const Target& target, std::string_view name) {
  const auto socket = find_control_socket(target.control, target.file_or_default());
  if (!socket) return complain(socket.error().message);
  const auto outcome = send_command(*socket, name);
  if (!outcome) return complain(std::format("{}: {}", socket->string(), outcome.error().message));
  print(outcome->ok ? stdout : stderr, outcome->text);
  return outcome->ok ? kExitFine : kExitFailed;
}

int status(const Target& target, const StatusOptions& options) {
  const auto address = find_admin_address(target.admin, target.file_or_default());
  if (!address) return complain(address.error().message);
  const auto shown = show_status(*address, options);
  return shown ? kExitFine : complain(shown.error().message);
}

int check_health(const Target& target) {
  const HealthcheckOutcome outcome = healthcheck({.admin = target.admin, .file = target.file_or_default()});
  print(outcome.ready ? stdout : stderr, outcome.reason + '\n');
  return outcome.ready ? kExitFine : kExitFailed;
}

int version() {
  print(stdout, std::format("gatehouse {}\n", kProgramVersion));
  for (const LibraryVersion& library : kLibraryVersions) {
    print(stdout, std::format("  {:<15} {}\n", library.name, library.version));
  }
  return kExitFine;
}

// What the subcommands fill in, and which of them was typed.
struct CommandLine {
  Target target;
  ProxyOptions proxy;
  HostOptions host;
  StatusOptions status;
  ExplainOptions explain;
  bool json = false;  // of `doctor`
  std::string app;    // `app NAME VERB`
  std::string verb;
  bool print_config = false;
  std::function<int()> chosen;
};

struct Title {
  std::string name;
  std::string help;
};

CLI::App& add(CLI::App& app, CommandLine& line, const Title& title, std::function<int()> action) {
  CLI::App* command = app.add_subcommand(title.name, title.help);
  command->callback([&line, action = std::move(action)] { line.chosen = action; });
  return *command;
}

void add_file(CLI::App& app, CommandLine& line) {
  app.add_option("FILE", line.target.file, "Default: ./gatehouse.toml, then /etc/gatehouse/gatehouse.toml");
}

void add_front(CLI::App& command, FrontOptions& options, bool& print_config) {
  options.listen = {":8443"};
  command.add_option("--listen", options.listen, "Address for h1, h2 and h3 over TLS (repeatable)")
      ->allow_extra_args(false)
      ->capture_default_str();
  command.add_option("--certificate", options.certificate,
                     "PEM, with --private-key; default: self-signed, for localhost");
  command.add_option("--private-key", options.private_key, "PEM, with --certificate");
  command.add_option("--http", options.http, "Another address, for cleartext h1");
  command.add_option("--alt-svc", options.alt_svc,
                     "The UDP port that clients know, if port mapping changes it; or off");
  command.add_option("--admin", options.admin, "Address of /metrics, /healthz, /readyz, /status, or off");
  command.add_option("--control", options.control, "Unix socket for reload, drain and stop");
  command.add_flag("--print-config", print_config, "Print the equivalent configuration and exit");
  describe_variables(command);
}

int serve_proxy(const CommandLine& line) {
  return serve([options = line.proxy] { return proxy_config(options); }, line.print_config);
}

void add_proxy(CLI::App& app, CommandLine& line) {
  CLI::App& command = add(app, line, {.name = "proxy", .help = "Front something that already listens, without a file"},
                          [&line] { return serve_proxy(line); });
  command.add_option("--to", line.proxy.to,
                     "Where requests go: http://HOST:PORT, HOST:PORT or unix:/PATH (repeatable; needed)");
  add_front(command, line.proxy.front, line.print_config);
}

std::vector<std::string> words(const auto& names) {
  return {names.texts.begin(), names.texts.end()};
}

void add_host(CLI::App& app, CommandLine& line) {
  CLI::App& command =
      add(app, line, {.name = "host", .help = "Start an application and front it, without a file"},
          [&line] { return serve([options = line.host] { return host_config(options); }, line.print_config); });
  HostOptions& options = line.host;
  constexpr std::uint32_t kMostInstances = 100;
  command
      .add_option("COMMAND", options.command,
                  "Behind --, the command that starts it; or a published folder with a web.config")
      ->required();
  command.add_option("--name", options.name, "What it is called; default: from the command");
  command.add_option("--instances", options.instances, "How many processes")->check(CLI::Range(1U, kMostInstances));
  command
      .add_option("--transport", options.transport, "Where it listens: the port in PORT, the socket in SOCKET, inherit")
      ->check(CLI::IsMember(words(config::kAppTransportNames)));
  command.add_option("--profile", options.profile, "Its kind: generic, or aspnetcore")
      ->check(CLI::IsMember(words(config::kAppProfileNames)));
  command.add_option("--ready-path", options.ready_path, "It is ready when GET answers 2xx or 3xx there");
  command.add_option("--env", options.environment, "NAME=VALUE in its environment (repeatable)")
      ->allow_extra_args(false);
  command.add_option("--directory", options.directory, "Its working directory; default: this one");
  add_front(command, options.front, line.print_config);
}

void add_app(CLI::App& app, CommandLine& line) {
  CLI::App& command = add(app, line, {.name = "app", .help = "Tell a hosted application what to do"}, [&line] {
    return ::gatehouse::command(line.target, std::format("app {} {}", line.app, line.verb));
  });
  command.add_option("NAME", line.app, "As in [apps.NAME]")->required()->check([](const std::string& name) {
    return config::is_target_name(name) ? std::string() : "no app can have the name " + name;
  });
  command.add_option("VERB", line.verb, "recycle, stop, start, offline or online")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>{"recycle", "stop", "start", "offline", "online"}));
  add_file(command, line);
  command.add_option("--control", line.target.control, "The control socket of the instance that is meant");
}

void add_questions(CLI::App& app, CommandLine& line) {
  CLI::App& explain =
      add(app, line, {.name = "explain", .help = "What would become of a request, and why; asks no running instance"},
          [&line] {
            const std::string file = line.target.file_or_default();
            return file.empty() ? complain(kNoFile) : run_explain(line.explain, file);
          });
  add_explain_options(explain, line.explain);
  add_file(explain, line);
  CLI::App& doctor =
      add(app, line, {.name = "doctor", .help = "What on this machine keeps FILE from being served, or will"}, [&line] {
        const std::string file = line.target.file_or_default();
        return file.empty() ? complain(kNoFile) : run_doctor(file, line.json);
      });
  add_file(doctor, line);
  doctor.add_flag("--json", line.json, "For programs");
}

void add_running(CLI::App& app, CommandLine& line) {
  constexpr std::array<std::array<const char*, 2>, 3> kCommands = {{
      {"reload", "Load the configuration again (as SIGHUP); says what is wrong with it, if anything is"},
      {"drain", "End gracefully (as SIGQUIT): nothing new, what runs gets drain_timeout; returns at once"},
      {"stop", "End gracefully (as SIGTERM), the same way; returns when the process has ended"},
  }};
  for (const auto& [name, help] : kCommands) {
    CLI::App& sub = add(app, line, {.name = name, .help = help},
                        [&line, word = std::string(name)] { return command(line.target, word); });
    add_file(sub, line);
    sub.add_option("--control", line.target.control, "The control socket of the instance that is meant");
  }
}

void add_status(CLI::App& app, CommandLine& line) {
  CLI::App& sub = add(
      app, line, {.name = "status", .help = "What runs, how well, and if not why: traffic, listeners, upstreams, apps"},
      [&line] { return status(line.target, line.status); });
  add_file(sub, line);
  sub.add_option("--admin", line.target.admin, "The admin address of the instance that is meant");
  CLI::Option* watch = sub.add_flag("--watch", line.status.watch, "Show it again each second, until interrupted");
  sub.add_flag("--json", line.status.json, "As /status.json has it")->excludes(watch);
}

void add_healthcheck(CLI::App& app, CommandLine& line) {
  CLI::App& health =
      add(app, line, {.name = "healthcheck", .help = "Whether it is ready: exit code 0, else 1 and why (asks /readyz)"},
          [&line] { return check_health(line.target); });
  add_file(health, line);
  health.add_option("--admin", line.target.admin, "The admin address of the instance that is meant");
}

void complete_proxy(CLI::App& command, CommandLine& line) {
  complete(command, line.proxy.front);
  if (line.proxy.to.empty()) throw CLI::RequiredError(std::format("--to or {}", variable_of("--to")));
}

// Of the commands that talk to a running process: where it is, unless that was typed.
void complete_target(Target& target) {
  if (!target.file.empty()) return;
  take_variable("--admin", target.admin);
  take_variable("--control", target.control);
}

// `run` without a file: the environment may say all that `proxy` needs.
bool runs_by_variables(const Target& target) {
  if (!target.file.empty()) return false;
  const auto to = variable_value("--to");
  if (to && !*to) return false;
  const std::string file = default_file();
  if (file.empty()) return true;
  print(stderr, std::format("gatehouse: warning: {} is not used: {} is there and says what to serve\n",
                            variable_of("--to"), file));
  return false;
}

// What was not typed, from the environment.
void complete(CLI::App& app, CommandLine& line) {
  CLI::App& proxy = *app.get_subcommand("proxy");
  CLI::App& host = *app.get_subcommand("host");
  const bool by_variables = app.got_subcommand("run") && runs_by_variables(line.target);
  if (by_variables) line.chosen = [&line] { return serve_proxy(line); };
  if (by_variables || app.got_subcommand(&proxy)) {
    complete_proxy(proxy, line);
  } else if (app.got_subcommand(&host)) {
    complete(host, line.host.front);
  } else {
    return complete_target(line.target);
  }
  for (const std::string& sentence : doubtful_variables({&proxy, &host})) {
    print(stderr, std::format("gatehouse: warning: {}\n", sentence));
  }
}

// What stands behind "--" of `host`. Its first word makes CLI11's COMMAND; the others are kept from it, which would
// read more than words into them ("{}" is an empty list there).
std::vector<std::string> hosted_command(int argc, const char* const* argv) {
  const std::span words(argv, static_cast<std::size_t>(argc));
  if (words.size() < 2 || std::string_view(words[1]) != "host") return {};
  const auto mark = std::ranges::find(words, std::string_view("--"));
  if (mark == words.end()) return {};
  return {mark + 1, words.end()};
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  CommandLine line;
  CLI::App app("Gatehouse: a reverse proxy and application host. HTTP/1.1, HTTP/2 and HTTP/3 in, pooled HTTP/1.1 out.",
               "gatehouse");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string(kProgramVersion));
  add_file(add(app, line, {.name = "run", .help = "Serve FILE"}, [&line] { return run(line.target); }), line);
  add_file(
      add(app, line, {.name = "check", .help = "Say what is wrong with FILE"}, [&line] { return check(line.target); }),
      line);
  add_proxy(app, line);
  add_host(app, line);
  add_running(app, line);
  add_status(app, line);
  add_healthcheck(app, line);
  add_app(app, line);
  add_questions(app, line);
  add(app, line, {.name = "version", .help = "The version, and those of the libraries"}, [] { return version(); });
  add_scripts(app, line.chosen);
  const std::vector<std::string> hosted = hosted_command(argc, argv);
  try {
    app.parse(argc - static_cast<int>(hosted.size() > 1 ? hosted.size() - 1 : 0), argv);
    complete(app, line);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitFine : kExitBadCommandLine;
  }
  if (hosted.size() > 1) line.host.command.insert(line.host.command.end(), hosted.begin() + 1, hosted.end());
  return line.chosen();
}

}  // namespace gatehouse
