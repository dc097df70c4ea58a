#include "proxy/cli.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <format>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include "common/log.h"
#include "common/version.h"
#include "config/load.h"
#include "config/to_toml.h"
#include "proxy/cli_client.h"
#include "proxy/cli_proxy.h"
#include "proxy/library_versions.h"
#include "proxy/server/server.h"
#include "proxy/server/signals.h"

namespace gatehouse {

namespace {

constexpr int kFine = 0;
constexpr int kFailed = 1;
constexpr int kBadCommandLine = 2;

void print(std::FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
}

int complain(std::string_view message) {
  print(stderr, std::format("gatehouse: {}\n", message));
  return kFailed;
}

void print(const std::vector<config::Diagnostic>& diagnostics) {
  for (const config::Diagnostic& diagnostic : diagnostics) print(stderr, diagnostic.to_string() + '\n');
}

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
    "no configuration: neither ./gatehouse.toml nor /etc/gatehouse/gatehouse.toml exists; name a FILE, or use "
    "`gatehouse proxy --to ADDRESS`";

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
  if (!loaded.config) return kFailed;
  print(stdout, std::format("{}: valid\n", file));
  return kFine;
}

int proxy(const ProxyOptions& options, bool print_config) {
  if (print_config) {
    const config::Loaded loaded = proxy_config(options);
    print(loaded.diagnostics);
    if (!loaded.config) return kFailed;
    print(stdout, config::to_toml(*loaded.config));
    return kFine;
  }
  Signals::block();
  return Server([options] { return proxy_config(options); }).run();
}

int command(const Target& target, std::string_view name) {
  const auto socket = find_control_socket(target.control, target.file_or_default());
  if (!socket) return complain(socket.error().message);
  const auto outcome = send_command(*socket, name);
  if (!outcome) return complain(std::format("{}: {}", socket->string(), outcome.error().message));
  print(outcome->ok ? stdout : stderr, outcome->text);
  return outcome->ok ? kFine : kFailed;
}

Result<Address> admin_address(const Target& target) {
  if (!target.admin.empty()) return Address::parse(target.admin);
  const std::string file = target.file_or_default();
  if (file.empty()) return config::Server::default_admin();
  const config::Loaded loaded = config::load(file);
  if (!loaded.config) return failure(file + " is not valid; name the admin address with --admin");
  if (!loaded.config->server.admin) return failure(file + " turns the admin address off");
  return *loaded.config->server.admin;
}

int status(const Target& target) {
  const auto address = admin_address(target);
  if (!address) return complain(address.error().message);
  const auto page = fetch(*address, "/status");
  if (!page) return complain(page.error().message);
  print(stdout, *page);
  return kFine;
}

int version() {
  print(stdout, std::format("gatehouse {}\n", kProgramVersion));
  for (const LibraryVersion& library : kLibraryVersions) {
    print(stdout, std::format("  {:<15} {}\n", library.name, library.version));
  }
  return kFine;
}

// What the subcommands fill in, and which of them was typed.
struct CommandLine {
  Target target;
  ProxyOptions proxy;
  bool print_config = false;
  std::function<int()> chosen;
};

CLI::App& add(CLI::App& app, const std::string& name, const std::string& help, CommandLine& line,
              std::function<int()> action) {
  CLI::App* command = app.add_subcommand(name, help);
  command->callback([&line, action = std::move(action)] { line.chosen = action; });
  return *command;
}

void add_file(CLI::App& app, CommandLine& line) {
  app.add_option("FILE", line.target.file, "Default: ./gatehouse.toml, then /etc/gatehouse/gatehouse.toml");
}

void add_proxy(CLI::App& app, CommandLine& line) {
  CLI::App& command = add(app, "proxy", "Front something that already listens, without a file", line,
                          [&line] { return proxy(line.proxy, line.print_config); });
  ProxyOptions& options = line.proxy;
  options.listen = {":8443"};
  command.add_option("--to", options.to, "Where requests go: http://HOST:PORT, HOST:PORT or unix:/PATH (repeatable)")
      ->required();
  command.add_option("--listen", options.listen, "Address for h1, h2 and h3 over TLS (repeatable)")
      ->capture_default_str();
  CLI::Option* certificate =
      command.add_option("--certificate", options.certificate, "PEM; default: self-signed, for localhost");
  CLI::Option* private_key = command.add_option("--private-key", options.private_key, "PEM");
  certificate->needs(private_key);
  private_key->needs(certificate);
  command.add_option("--http", options.http, "Another address, for cleartext h1");
  command.add_option("--admin", options.admin, "Address of /metrics, /healthz, /readyz, /status, or off");
  command.add_option("--control", options.control, "Unix socket for reload, drain and stop");
  command.add_flag("--print-config", line.print_config, "Print the equivalent configuration and exit");
}

void add_running(CLI::App& app, CommandLine& line) {
  constexpr std::array<std::array<const char*, 2>, 3> kCommands = {{
      {"reload", "Load the configuration again (as SIGHUP); says what is wrong with it, if anything is"},
      {"drain", "End gracefully (as SIGQUIT): nothing new, what runs gets drain_timeout; returns at once"},
      {"stop", "End gracefully (as SIGTERM), the same way; returns when the process has ended"},
  }};
  for (const auto& [name, help] : kCommands) {
    CLI::App& sub =
        add(app, name, help, line, [&line, word = std::string(name)] { return command(line.target, word); });
    add_file(sub, line);
    sub.add_option("--control", line.target.control, "The control socket of the instance that is meant");
  }
  CLI::App& sub =
      add(app, "status", "What runs: listeners, upstreams, endpoints", line, [&line] { return status(line.target); });
  add_file(sub, line);
  sub.add_option("--admin", line.target.admin, "The admin address of the instance that is meant");
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  CommandLine line;
  CLI::App app("Gatehouse: a reverse proxy. HTTP/1.1, HTTP/2 and HTTP/3 in, pooled HTTP/1.1 out.", "gatehouse");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string(kProgramVersion));
  add_file(add(app, "run", "Serve FILE", line, [&line] { return run(line.target); }), line);
  add_file(add(app, "check", "Say what is wrong with FILE", line, [&line] { return check(line.target); }), line);
  add_proxy(app, line);
  add_running(app, line);
  add(app, "version", "The version, and those of the libraries", line, [] { return version(); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kBadCommandLine;
  }
  return line.chosen();
}

}  // namespace gatehouse
