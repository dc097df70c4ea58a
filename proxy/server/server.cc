#include "proxy/server/server.h"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <format>
#include <iterator>
#include <utility>

#include "common/crypto/secret_memory.h"
#include "common/log.h"
#include "common/log_target.h"
#include "common/terminal.h"
#include "config/showing/excerpt.h"
#include "proxy/admin/status_facts.h"
#include "proxy/apps/process/orphans.h"
#include "proxy/server/announcement.h"
#include "proxy/server/configured_user.h"
#include "proxy/server/next_start.h"
#include "proxy/system/descriptors.h"
#include "proxy/system/directories.h"

namespace gatehouse {
namespace {

constexpr std::string_view kAppCommand = "app ";
constexpr std::string_view kPurgeCommand = "cache purge ";

// To standard error, whatever the log is; not waiting for somebody who does not read it.
void print(std::string_view text) {
  if (const auto errors = LogTarget::open("stderr", {})) (*errors)->write(text, [] { return false; });
}

std::string log_lines(const std::vector<config::Diagnostic>& diagnostics) {
  for (const config::Diagnostic& diagnostic : diagnostics) {
    const std::string line = diagnostic.to_string();
    diagnostic.severity == config::Severity::kError ? log::error("{}", line) : log::warn("{}", line);
  }
  return config::lines_of(diagnostics);
}

void append(std::vector<config::Diagnostic>& diagnostics, std::vector<config::Diagnostic> more) {
  std::ranges::move(more, std::back_inserter(diagnostics));
}

// What the configuration took from the environment is not for logs.
void veil(std::vector<config::Diagnostic>& diagnostics, const config::Config& config) {
  for (config::Diagnostic& diagnostic : diagnostics) diagnostic.message = config.veil.over(diagnostic.message);
}

config::Diagnostic error_at(config::Location location, std::string message) {
  return {.location = std::move(location), .message = std::move(message)};
}

// Should a thread hang when all has been told to end, the kernel ends us. A handler, since what a signal does by
// default it does not do to PID 1.
void arm_watchdog() {
  struct sigaction end{};
  end.sa_handler = [](int) { _exit(1); };
  sigaction(SIGALRM, &end, nullptr);
  itimerval timer{};
  timer.it_value.tv_usec = 400'000;
  setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace

Server::Server(Load load, const Options& options)
    : origin_{.options = options, .inherited = InheritedSockets::take()},
      source_(loop_, std::move(load),
              {.loaded = [this](ConfigSource::Outcome outcome) { loaded(std::move(outcome)); },
               .changed =
                   [this](const std::string& file) {
                     if (progress_.phase != Phase::kServing) return;
                     log::info("{} has changed", file);
                     reload({});
                   }}),
      upstreams_(loop_, told_.counts,
                 [this] {
                   if (rollout_) rollout_->workers().refresh_upstreams();
                 }),
      board_(loop_,
             {.status = told_.status, .counts = told_.counts, .metrics = told_.metrics, .upstreams = upstreams_}),
      supervision_(loop_),
      progress_{.deadline = Timer(loop_, [this] { time_is_over(); })} {
  if (options.ends_with_app) upstreams_.watch_ends([this](const app_event::Ended& ended) { on_app_ended(ended); });
}

Server::~Server() = default;

int Server::run() {
  secret_memory::set_up();
  if (!start()) return 1;
  loop_.run();
  if (progress_.phase == Phase::kForced) arm_watchdog();
  rollout_->workers().stop();
  log::info("ended");
  return progress_.exit_code;
}

bool Server::start() {
  descriptors_.limit = descriptors::raise_limit();
  become_subreaper();
  ConfigSource::Outcome loaded = source_.load();
  print(config::lines_for(STDERR_FILENO, loaded.diagnostics, loaded.sources));
  if (!loaded.config) return false;
  const config::Config& config = *loaded.config;

  const std::size_t connections = descriptors::connections_within(descriptors_.limit);
  if (const auto shortage = descriptors::shortage(descriptors_.limit, config.limits.max_connections);
      !shortage.empty()) {
    log::warn("{}", shortage);
  }
  Diagnostics diagnostics = open_control(config);
  if (!config::has_errors(diagnostics)) {
    doors_.signals = std::make_unique<Signals>(loop_, [this](int signal) { on_signal(signal); });
    rollout_ = std::make_unique<Rollout>(
        Rollout::Dependencies{.control = loop_,
                              .access_log = told_.access_log,
                              .metrics = told_.metrics,
                              .upstreams = upstreams_,
                              .counts = told_.counts,
                              .faults = board_.fault_sink(),
                              .connections = connections,
                              .descriptors = descriptors_.budget,
                              .server = config.server,
                              .inherited = origin_.inherited,
                              .bound = [this](const config::Config& wanted) { return drop_rights(wanted); }},
        workers_of(config));
    append(diagnostics, put_into_force(config, std::move(loaded.tls)));
  }
  veil(diagnostics, config);
  print(config::lines_for(STDERR_FILENO, diagnostics, loaded.sources));
  if (config::has_errors(diagnostics)) return false;
  append(diagnostics, loaded.diagnostics);
  board_.note_reload(config.file, true, config::texts(diagnostics));
  board_.watch(*rollout_);
  progress_.phase = Phase::kServing;
  announce();
  supervision_.watch(rollout_->workers().loops());
  supervision_.ready(status_line());
  return true;
}

Server::Diagnostics Server::open_control(const config::Config& config) {
  const auto usual = directories::control_socket(config.file);
  if (!usual && config.server.control.empty()) {
    log::warn("no control socket: {}; signals still work", usual.error().message);
    return {};
  }
  const std::filesystem::path path = config.server.control.empty() ? usual->string() : config.server.control;
  auto opened = ControlSocket::open(
      loop_, path, [this](std::string_view name, ControlSocket::Reply reply) { command(name, std::move(reply)); });
  if (!opened) return {error_at({.file = config.file}, opened.error().message)};
  doors_.control = *std::move(opened);
  // A file that cannot be read any more does not tell its clients where the socket is.
  if (usual) doors_.control->also_at(*usual);
  return {};
}

// Everything that can fail comes before anything that changes what runs.
Server::Diagnostics Server::put_into_force(const config::Config& config, TlsMaterial tls) {
  std::unique_ptr<Admin> new_admin;
  const bool admin_changes = progress_.phase == Phase::kStarting || config.server.admin != config_.server.admin;
  if (admin_changes && config.server.admin) {
    auto opened = open_admin(*config.server.admin);
    if (!opened) {
      config::Location location = config.server.admin_location;
      if (location.file.empty()) location.file = config.file;
      const bool typed = config.file.empty();
      return {error_at(
          std::move(location),
          opened.error().message + (typed ? R"(; name a free address, or "off" for none)"
                                          : R"(; set "admin" in [server] to a free address, or to "" for none)"))};
    }
    new_admin = *std::move(opened);
  }
  if (auto configured = log::configure(config.log.level, config.log.output); !configured) {
    return {error_at({.file = config.file}, "log.output: " + configured.error().message)};
  }
  Diagnostics diagnostics = rollout_->put_into_force(config, std::move(tls));
  if (config::has_errors(diagnostics)) {
    if (progress_.phase == Phase::kStarting) return diagnostics;
    if (auto restored = log::configure(config_.log.level, config_.log.output); !restored) {
      log::error("log.output: {}", restored.error().message);
    }
    return diagnostics;
  }
  if (admin_changes) {
    Admin::retire(loop_, std::move(doors_.admin));
    doors_.admin = std::move(new_admin);
  }
  if (progress_.phase != Phase::kStarting) {
    append(diagnostics, what_waits(config, config_, rollout_->workers().size()));
  }
  config_ = config;
  source_.committed();
  divide_descriptors();
  note_snapshot();
  return diagnostics;
}

Result<std::unique_ptr<Admin>> Server::open_admin(const Address& address) {
  auto opened = Admin::open(loop_, address, pages(), origin_.inherited);
  if (opened || opened.error().code != EADDRINUSE || !origin_.options.admin_anywhere) return opened;
  Address elsewhere = address;
  elsewhere.set_port(0);
  auto moved = Admin::open(loop_, elsewhere, pages(), origin_.inherited);
  if (!moved) return opened;
  log::warn("the admin address {} is taken; it is {} instead (choose one with --admin)", address.to_string(),
            (*moved)->address().to_string());
  return moved;
}

// Fewer clients leave more for endpoints.
void Server::divide_descriptors() {
  const std::size_t possible = descriptors::connections_within(descriptors_.limit);
  const std::size_t wanted = config_.limits.max_connections;
  const std::size_t clients = wanted == 0 ? possible : std::min(wanted, possible);
  descriptors_.budget->set_limit(descriptors::endpoint_connections_within(descriptors_.limit, clients));
}

void Server::note_snapshot() {
  told_.status.last_reload = loop_.wall_now();
  told_.status.last_reload_ok = true;
  told_.status.certificates.clear();
  told_.status.alt_svc.clear();
  told_.status.listeners.clear();
  const std::vector<ListenerSnapshot>& listeners = rollout_->snapshot().listeners;
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const ListenerSnapshot& listener = listeners[i];
    told_.status.listeners.insert(listener.name);
    if (!listener.tls) continue;
    const config::Listener& wanted = config_.listeners[i];
    if (wanted.protocols.h3 && wanted.alt_svc.mode != config::AltSvcMode::kOff) {
      told_.status.alt_svc.push_back({.listener = listener.name, .state = listener.policy->alt_svc_state});
    }
    for (const auto& certificate : listener.tls->certificates()) {
      told_.status.certificates.push_back({.listener = listener.name,
                                           .certificate = certificate->file(),
                                           .expires = certificate->not_after(),
                                           .renewal_due = certificate->renewal_due()});
    }
  }
}

void Server::reload(ReloadQueue::Reply reply) {
  if (progress_.phase != Phase::kServing) {
    if (reply) reply({.ok = false, .text = "the server is draining\n"});
    return;
  }
  if (progress_.reloads.ask(std::move(reply))) begin_reload();
}

void Server::begin_reload() {
  supervision_.reloading();
  source_.begin(rollout_->current());
}

void Server::loaded(ConfigSource::Outcome outcome) {
  Diagnostics diagnostics = std::move(outcome.diagnostics);
  if (outcome.config) {
    Diagnostics more = put_into_force(*outcome.config, std::move(outcome.tls));
    veil(more, *outcome.config);
    append(diagnostics, std::move(more));
  }
  log::info("of certificates and keys {} files were read, {} are as they were", outcome.files.files_read,
            outcome.files.files_known);
  const bool ok = outcome.config && !config::has_errors(diagnostics);
  if (progress_.reloads.ended(reload_ended(std::move(diagnostics), ok))) begin_reload();
}

ControlReply Server::reload_ended(Diagnostics diagnostics, bool ok) {
  std::string text = log_lines(diagnostics);
  told_.status.last_reload_ok = ok;
  board_.note_reload(config_.file, ok, config::texts(diagnostics));
  supervision_.ready(status_line());
  if (ok) {
    const std::string line = std::format("configuration {} is in force", rollout_->snapshot().generation);
    log::info("{}", line);
    return {.ok = true, .text = text + line + '\n'};
  }
  log::error("reload failed; the configuration of before stays in force");
  return {.ok = false, .text = text + "the configuration of before stays in force\n"};
}

void Server::command(std::string_view name, ControlSocket::Reply reply) {
  if (name == "reload") return reload(std::move(reply));
  if (name == "status") return reply({.ok = true, .text = board_.json() + '\n'});
  if (name == "drain" || name == "stop") {
    if (progress_.phase == Phase::kServing) begin_drain(std::format("command {}", name));
    return reply({.ok = true, .text = "draining\n", .until_the_end = name == "stop"});
  }
  if (name.starts_with(kPurgeCommand)) return reply(purge(name.substr(kPurgeCommand.size())));
  if (name.starts_with(kAppCommand)) return reply(app_command(name.substr(kAppCommand.size())));
  reply({.ok = false, .text = "commands are: reload, drain, stop, status, app NAME VERB, cache purge PREFIX\n"});
}

// "NAME VERB"
ControlReply Server::app_command(std::string_view words) {
  const std::size_t space = words.rfind(' ');
  if (space == std::string_view::npos) return {.ok = false, .text = "app NAME recycle|stop|start|offline|online\n"};
  if (progress_.phase != Phase::kServing) return {.ok = false, .text = "the server is draining\n"};
  auto outcome = upstreams_.command(words.substr(0, space), words.substr(space + 1));
  if (outcome) return {.ok = true, .text = *std::move(outcome) + '\n'};
  return {.ok = false, .text = outcome.error().message + '\n'};
}

void Server::note_cache() {
  const cache::Store& store = rollout_->snapshot().cache->store;
  told_.status.cache_bytes = store.bytes();
  told_.status.cache_bytes_limit = store.memory();
  told_.status.cache_entries = store.entries();
  told_.status.cache_evictions = store.evictions();
}

// A prefix of a URL as clients ask for it, so that "https://shop.example.com/" is all of a host.
ControlReply Server::purge(std::string_view prefix) const {
  const std::size_t count = rollout_->snapshot().cache->store.purge(prefix);
  return {.ok = true, .text = std::format("{} stored response{} purged\n", count, count == 1 ? "" : "s")};
}

// Only at the start: it cannot be undone.
Result<> Server::drop_rights(const config::Config& config) const {
  if (progress_.phase != Phase::kStarting || config.server.user.empty()) return {};
  return become_configured_user(config);
}

std::string Server::status_line() const {
  return std::format("Serving {} listener{}, configuration {}{}", rollout_->snapshot().listeners.size(),
                     rollout_->snapshot().listeners.size() == 1 ? "" : "s", rollout_->snapshot().generation,
                     told_.status.last_reload_ok ? "" : "; the last reload failed");
}

// The one line that says: ready; and links, where somebody may click them.
void Server::announce() const {
  Announcement told{.admin = doors_.admin ? doors_.admin->address().to_string() : ""};
  for (const ListenerSnapshot& listener : rollout_->snapshot().listeners) {
    told.listeners.push_back({.scheme = listener.tls ? "https" : "http",
                              .address = address_text(listener, rollout_->bound()),
                              .protocols = protocols_of(listener)});
  }
  log::flush();  // what was said before stands before it
  print(ready_line(told) + (terminal::is_terminal(STDERR_FILENO) ? links(told) : ""));
}

Admin::Pages Server::pages() {
  return {
      .metrics =
          [this] {
            told_.status.access_log_lines = told_.access_log.written();
            told_.status.access_log_dropped = told_.access_log.dropped();
            told_.status.upstream_connections = descriptors_.budget->open();
            told_.status.upstream_connections_limit = descriptors_.budget->limit();
            note_cache();
            told_.status.workers_hanging = supervision_.hanging();
            upstreams_.note(told_.counts);
            rollout_->registrations().note(told_.counts);
            return told_.metrics.page(loop_.now());
          },
      .status_json = [this] { return board_.json(); },
      .status_table = [this] { return board_.table(); },
      .not_ready = [this] { return told_.status.draining ? std::string("draining") : supervision_.trouble(); },
      .names = [this] { return std::span<const std::string>(config_.server.admin_names); },
      .events = &board_.events(),
  };
}

}  // namespace gatehouse
