#include "proxy/cli/command_line.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <format>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/crypto/certificate_store.h"
#include "common/log.h"
#include "common/version.h"
#include "config/names.h"
#include "config/reading/load.h"
#include "config/target_rules.h"
#include "config/to_toml.h"
#include "proxy/cli/check.h"
#include "proxy/cli/doctor.h"
#include "proxy/cli/environment.h"
#include "proxy/cli/explain.h"
#include "proxy/cli/habits.h"
#include "proxy/cli/healthcheck.h"
#include "proxy/cli/host.h"
#include "proxy/cli/library_versions.h"
#include "proxy/cli/output.h"
#include "proxy/cli/proxy.h"
#include "proxy/cli/register.h"
#include "proxy/cli/running.h"
#include "proxy/cli/scripts.h"
#include "proxy/cli/status.h"
#include "proxy/cli/target.h"
#include "proxy/server/server.h"
#include "proxy/system/signals.h"

namespace gatehouse {

namespace {

constexpr std::string_view kNoFile =
    "no configuration: neither ./gatehouse.toml nor /etc/gatehouse/gatehouse.toml exists; name a FILE, set "
    "GATEHOUSE_TO, "
    "or use `gatehouse proxy --to ADDRESS` or `gatehouse host -- COMMAND`";

int run(const Target& target) {
  const std::string file = target.file_or_default();
  if (file.empty()) return complain(kNoFile);
  Signals::block();
  return Server([file](CertificateStore& certificates) { return config::load(file, certificates); }, {}).run();
}

int show(const Server::Load& load) {
  CertificateStore certificates;
  const config::Loaded loaded = load(certificates);
  print(loaded.diagnostics, loaded.sources);
  if (!loaded.config) return kExitFailed;
  print(stdout, config::to_toml(*loaded.config));
  return kExitFine;
}

// A server whose configuration is made of options.
int serve(Server::Load load, const Server::Options& options) {
  Signals::block();
  return Server(std::move(load), options).run();
}

int check_health(const Target& target) {
  const HealthcheckOutcome outcome = healthcheck({.admin = target.admin, .file = target.file_or_default()});
  print(outcome.ready ? stdout : stderr, outcome.reason + '\n');
  return outcome.ready ? kExitFine : kExitFailed;
}

// A command line that cannot be meant: one line that says why, and one that says where to read on.
int misused(std::string_view why, const std::string& command = {}) {
  complain(why, kExitBadCommandLine);
  print(stderr, std::format("See: gatehouse help{}{}\n", command.empty() ? "" : " ", command));
  return kExitBadCommandLine;
}

int version() {
  print(stdout, std::format("gatehouse {}\n", kProgramVersion));
  for (const LibraryVersion& library : kLibraryVersions) {
    print(stdout, std::format("  {:<15} {}\n", library.name, library.version));
  }
  return kExitFine;
}

// A process bounds by itself how long it takes to end; this is for one that hangs.
constexpr std::uint32_t kLongestPatience = 3600;

// What the subcommands fill in, and which of them was typed.
struct CommandLine {
  Target target;
  ProxyOptions proxy;
  HostOptions host;
  StatusOptions status;
  ExplainOptions explain;
  RegisterOptions registering;
  bool json = false;  // of `doctor`
  std::string app;    // `app NAME VERB`, `cache VERB PREFIX`
  std::string verb;
  std::uint32_t patience = kLongestPatience;  // of `stop`, in seconds
  std::string topic;                          // `help COMMAND`
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
  app.add_option("FILE,-c,--config", line.target.file, "Default: ./gatehouse.toml, then /etc/gatehouse/gatehouse.toml");
}

// Of commands to a running process: which one is meant.
void add_instance(CLI::App& app, CommandLine& line) {
  add_file(app, line);
  app.add_option("--pid", line.target.pid, "The process id of the instance that is meant")->check(CLI::PositiveNumber);
  app.add_option("--control", line.target.control, "The control socket of the instance that is meant");
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
  command.add_option(
      "--admin", options.admin,
      "Address of /metrics, /healthz, /readyz, /status, or off; default: 127.0.0.1:9180, or, where that is "
      "taken, a free port");
  command.add_option("--control", options.control, "Unix socket for reload, drain and stop");
  command.add_flag("--print-config", print_config, "Print the equivalent configuration and exit");
  describe_variables(command);
}

// `run` by variables is a service, which SIGHUP reloads as it does one with a file.
int serve_proxy(const CommandLine& line, bool typed) {
  Server::Load load = [options = line.proxy](CertificateStore& certificates) {
    return proxy_config(options, certificates);
  };
  if (line.print_config) return show(load);
  return serve(std::move(load), {.admin_anywhere = line.proxy.front.admin.empty(),
                                 .ends_on_hangup = typed && Signals::hangup_is_an_end()});
}

int serve_host(const CommandLine& line) {
  HostOptions options = line.host;
  options.starts_now = !line.print_config;
  Server::Load load = [options](CertificateStore& certificates) { return host_config(options, certificates); };
  if (line.print_config) return show(load);
  return serve(std::move(load), {.admin_anywhere = options.front.admin.empty(),
                                 .ends_on_hangup = Signals::hangup_is_an_end(),
                                 .ends_with_app = options.exit_with_app});
}

void add_proxy(CLI::App& app, CommandLine& line) {
  CLI::App& command = add(app, line, {.name = "proxy", .help = "Front something that already listens, without a file"},
                          [&line] { return serve_proxy(line, true); });
  command.add_option("ADDRESS,--to", line.proxy.to,
                     "Where requests go: PORT, HOST:PORT, http(s)://HOST:PORT or unix:/PATH (repeatable; needed)");
  add_front(command, line.proxy.front, line.print_config);
}

std::vector<std::string> words(const auto& names) {
  return {names.texts.begin(), names.texts.end()};
}

void add_host(CLI::App& app, CommandLine& line) {
  CLI::App& command = add(app, line, {.name = "host", .help = "Start an application and front it, without a file"},
                          [&line] { return serve_host(line); });
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
  command.add_flag("--exit-with-app", options.exit_with_app,
                   "End when the application ends by itself, with its exit code, rather than start it again");
  add_front(command, options.front, line.print_config);
}

void add_app_and_cache(CLI::App& app, CommandLine& line) {
  CLI::App& command = add(app, line, {.name = "app", .help = "Tell a hosted application what to do"}, [&line] {
    return command_running(line.target, std::format("app {} {}", line.app, line.verb));
  });
  command.add_option("NAME", line.app, "As in [apps.NAME]")->required()->check([](const std::string& name) {
    return config::is_target_name(name) ? std::string() : "no app can have the name " + name;
  });
  command.add_option("VERB", line.verb, "recycle, stop, start, offline or online")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>{"recycle", "stop", "start", "offline", "online"}));
  add_instance(command, line);
  CLI::App& cache = add(app, line, {.name = "cache", .help = "Forget answers that are kept"},
                        [&line] { return command_running(line.target, "cache purge " + line.app); });
  cache.add_option("VERB", line.verb, "purge")->required()->check(CLI::IsMember(std::vector<std::string>{"purge"}));
  cache.add_option("PREFIX", line.app, "What their URLs begin with: https://shop.example.com/")->required();
  add_instance(cache, line);
}

void add_register(CLI::App& app, CommandLine& line) {
  CLI::App& command =
      add(app, line, {.name = "register", .help = "Serve below a prefix that is reserved for this user"},
          [&line] { return run_register(line.registering); });
  add_register_options(command, line.registering);
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
  constexpr std::array<std::array<const char*, 2>, 2> kCommands = {{
      {"reload", "Load the configuration again (as SIGHUP); says what is wrong with it, if anything is"},
      {"drain", "End gracefully (as SIGQUIT): nothing new, what runs gets drain_timeout; returns at once"},
  }};
  for (const auto& [name, help] : kCommands) {
    add_instance(add(app, line, {.name = name, .help = help},
                     [&line, word = std::string(name)] { return command_running(line.target, word); }),
                 line);
  }
  CLI::App& stop =
      add(app, line,
          {.name = "stop",
           .help = "End gracefully (as SIGTERM), the same way; says \"stopped\" when the process has ended"},
          [&line] { return stop_running(line.target, std::chrono::seconds(line.patience)); });
  add_instance(stop, line);
  stop.add_option("--timeout", line.patience, "Seconds after which it waits no more and fails")
      ->check(CLI::Range(0U, kLongestPatience))
      ->capture_default_str();
}

void add_status(CLI::App& app, CommandLine& line) {
  CLI::App& sub = add(
      app, line, {.name = "status", .help = "What runs, how well, and if not why: traffic, listeners, upstreams, apps"},
      [&line] { return show_running(line.target, line.status); });
  add_instance(sub, line);
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
  if (line.proxy.to.empty()) throw CLI::RequiredError(std::format("ADDRESS, --to or {}", variable_of("--to")));
}

// Of the commands that talk to a running process: where it is, unless that was typed.
void complete_target(Target& target) {
  if (!target.file.empty() || target.pid != 0) return;
  take_variable("--admin", target.admin);
  take_variable("--control", target.control);
}

// `run` without a file: the environment may say all that `proxy` needs.
bool runs_by_variables(const Target& target) {
  if (!target.file.empty()) return false;
  const auto to = variable_value("--to");
  if (to && !*to) return false;
  const std::string file = target.file_or_default();
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
  if (by_variables) line.chosen = [&line] { return serve_proxy(line, false); };
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

void add_help(CLI::App& app, CommandLine& line) {
  CLI::App& help = add(app, line, {.name = "help", .help = "All commands, or one and its options"}, [&app, &line] {
    const CLI::App* const topic = line.topic.empty() ? &app : command_named(app, line.topic);
    if (topic == nullptr) return misused(unknown_command(app, line.topic));
    const std::string name = topic == &app ? app.get_name() : app.get_name() + ' ' + topic->get_name();
    // Not help(), which is about the command that was typed: this one.
    return print(stdout, topic->get_formatter()->make_help(topic, name, CLI::AppFormatMode::Normal)), kExitFine;
  });
  help.add_option("COMMAND", line.topic, "Which one");
}

void add_commands(CLI::App& app, CommandLine& line) {
  app.require_subcommand(1);
  app.set_version_flag("-v,-V,--version", std::string(kProgramVersion));
  add_file(add(app, line, {.name = "run", .help = "Serve FILE"}, [&line] { return run(line.target); }), line);
  add_file(add(app, line, {.name = "check", .help = "Say what is wrong with FILE"},
               [&line] {
                 const std::string file = line.target.file_or_default();
                 return file.empty() ? complain(kNoFile) : run_check(file);
               }),
           line);
  add_proxy(app, line);
  add_host(app, line);
  add_running(app, line);
  add_status(app, line);
  add_healthcheck(app, line);
  add_app_and_cache(app, line);
  add_register(app, line);
  add_questions(app, line);
  add(app, line, {.name = "version", .help = "The version, and those of the libraries"}, [] { return version(); });
  add_help(app, line);
  add_scripts(app, line.chosen);
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  CommandLine line;
  CLI::App app("Gatehouse: a reverse proxy and application host. HTTP/1.1, HTTP/2 and HTTP/3 in, pooled HTTP/1.1 out.",
               "gatehouse");
  add_commands(app, line);
  std::vector<std::string> words = without_habits({argv + 1, static_cast<std::size_t>(argc) - 1});
  if (words.empty()) return print(stderr, overview()), kExitBadCommandLine;
  const std::string& first = words.front();
  if (!first.starts_with('-') && command_named(app, first) == nullptr) return misused(unknown_command(app, first));
  std::vector<std::string> hosted = take_hosted_command(words);
  line.registering.command = take_registered_command(words);
  try {
    std::ranges::reverse(words);  // as CLI11 wants them
    app.parse(std::move(words));
    complete(app, line);
  } catch (const CLI::Success& wanted) {  // --help and --version
    return app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    const auto chosen = app.get_subcommands();
    return misused(complaint_of(app, error), chosen.empty() ? "" : chosen.back()->get_name());
  }
  std::ranges::move(hosted, std::back_inserter(line.host.command));
  return line.chosen();
}

}  // namespace gatehouse
