#include "proxy/server/server.h"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <format>
#include <iterator>
#include <utility>

#include "common/crypto/secret_memory.h"
#include "common/log.h"
#include "common/log_target.h"
#include "common/text.h"
#include "common/version.h"
#include "proxy/admin/status_facts.h"
#include "proxy/apps/orphans.h"
#include "proxy/server/configured_user.h"
#include "proxy/system/descriptors.h"
#include "proxy/system/directories.h"

namespace gatehouse {
namespace {

constexpr std::string_view kAppCommand = "app ";
constexpr std::chrono::milliseconds kForcedEnd{500};  // for connections to be closed once time is up

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

std::size_t workers_of(const config::Config& config) {
  constexpr std::size_t kMost = 255;  // a QUIC connection id has one byte for its worker
  const std::size_t wanted = config.server.workers == 0 ? available_cpus() : config.server.workers;
  return std::clamp<std::size_t>(wanted, 1, kMost);
}

bool identity_differs(const config::Server& one, const config::Server& other) {
  return one.secret_file.path != other.secret_file.path || one.quic_server_id != other.quic_server_id ||
         one.quic_config_id != other.quic_config_id;
}

// For the next start.
void warn_of_what_waits(const config::Config& wanted, const config::Config& running, std::size_t workers) {
  if (workers_of(wanted) != workers) log::warn("server.workers takes effect with the next start");
  if (wanted.server.control != running.server.control) log::warn("server.control takes effect with the next start");
  if (identity_differs(wanted.server, running.server)) {
    log::warn("server.secret_file, quic_server_id and quic_config_id take effect with the next start");
  }
  if (wanted.server.user != running.server.user) log::warn("server.user takes effect with the next start");
}

double seconds(std::chrono::milliseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

// What apps may take to end, after all requests have.
Duration longest_stop(const config::Config& config) {
  Duration longest{};
  for (const config::App& app : config.apps) longest = std::max(longest, Duration(app.stop_timeout));
  return longest;
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

Server::Server(Load load)
    : inherited_(InheritedSockets::take()),
      source_(loop_, std::move(load),
              [this](const std::string& file) {
                if (progress_.phase != Phase::kServing) return;
                log::info("{} has changed", file);
                reload();
              }),
      upstreams_(loop_, told_.counts,
                 [this] {
                   if (rollout_) rollout_->workers().refresh_upstreams();
                 }),
      board_(loop_,
             {.status = told_.status, .counts = told_.counts, .metrics = told_.metrics, .upstreams = upstreams_}),
      supervision_(loop_),
      progress_{.deadline = Timer(loop_, [this] { time_is_over(); })} {}

Server::~Server() = default;

int Server::run() {
  secret_memory::set_up();
  if (!start()) return 1;
  loop_.run();
  if (progress_.phase == Phase::kForced) arm_watchdog();
  rollout_->workers().stop();
  log::info("ended");
  return 0;
}

bool Server::start() {
  descriptors_.limit = descriptors::raise_limit();
  become_subreaper();
  config::Loaded loaded = source_.load();
  print(config::lines_of(loaded.diagnostics));
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
                              .faults = board_.fault_sink(),
                              .connections = connections,
                              .descriptors = descriptors_.budget,
                              .server = config.server,
                              .inherited = inherited_,
                              .bound = [this](const config::Config& wanted) { return drop_rights(wanted); }},
        workers_of(config));
    append(diagnostics, put_into_force(config));
  }
  veil(diagnostics, config);
  print(config::lines_of(diagnostics));
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
  auto opened = ControlSocket::open(loop_, path, [this](std::string_view name) { return command(name); });
  if (!opened) return {error_at({.file = config.file}, opened.error().message)};
  doors_.control = *std::move(opened);
  // A file that cannot be read any more does not tell its clients where the socket is.
  if (usual) doors_.control->also_at(*usual);
  return {};
}

// Everything that can fail comes before anything that changes what runs.
Server::Diagnostics Server::put_into_force(const config::Config& config) {
  std::unique_ptr<Admin> new_admin;
  const bool admin_changes = progress_.phase == Phase::kStarting || config.server.admin != config_.server.admin;
  if (admin_changes && config.server.admin) {
    auto opened = Admin::open(loop_, *config.server.admin, pages(), inherited_);
    if (!opened) {
      config::Location location = config.server.admin_location;
      if (location.file.empty()) location.file = config.file;
      return {error_at(std::move(location),
                       opened.error().message + R"(; set "admin" in [server] to a free address, or to "" for none)")};
    }
    new_admin = *std::move(opened);
  }
  if (auto configured = log::configure(config.log.level, config.log.output); !configured) {
    return {error_at({.file = config.file}, "log.output: " + configured.error().message)};
  }
  Diagnostics diagnostics = rollout_->put_into_force(config);
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
  if (progress_.phase != Phase::kStarting) warn_of_what_waits(config, config_, rollout_->workers().size());
  config_ = config;
  divide_descriptors();
  note_snapshot();
  return diagnostics;
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
  const std::vector<ListenerSnapshot>& listeners = rollout_->snapshot().listeners;
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const ListenerSnapshot& listener = listeners[i];
    if (!listener.tls) continue;
    const config::Listener& wanted = config_.listeners[i];
    if (wanted.protocols.h3 && wanted.alt_svc.mode != config::AltSvcMode::kOff) {
      told_.status.alt_svc.push_back({.listener = listener.name, .advertised = !listener.policy->alt_svc.empty()});
    }
    for (const auto& certificate : listener.tls->certificates()) {
      told_.status.certificates.push_back(
          {.listener = listener.name, .certificate = certificate->file(), .expires = certificate->not_after()});
    }
  }
}

ControlReply Server::reload() {
  if (progress_.phase != Phase::kServing) return {.ok = false, .text = "the server is draining\n"};
  supervision_.reloading();
  config::Loaded loaded = source_.load();
  Diagnostics diagnostics = std::move(loaded.diagnostics);
  if (loaded.config) {
    append(diagnostics, put_into_force(*loaded.config));
    veil(diagnostics, *loaded.config);
  }

  std::string text = log_lines(diagnostics);
  const bool ok = loaded.config && !config::has_errors(diagnostics);
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

ControlReply Server::command(std::string_view name) {
  if (name == "reload") return reload();
  if (name == "drain" || name == "stop") {
    if (progress_.phase == Phase::kServing) begin_drain(std::format("command {}", name));
    return {.ok = true, .text = "draining\n", .until_the_end = name == "stop"};
  }
  if (name.starts_with(kAppCommand)) return app_command(name.substr(kAppCommand.size()));
  return {.ok = false, .text = "commands are: reload, drain, stop, app NAME VERB\n"};
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

void Server::on_signal(int signal) {
  switch (signal) {
    case SIGHUP:
      reload();
      return;
    case SIGUSR1:
      log::reopen();
      if (rollout_->snapshot().access_log) rollout_->snapshot().access_log->reopen_soon();
      log::info("logs were opened again");
      return;
    default:
      // After `gatehouse drain` the first one changes nothing: that is how containers are stopped.
      if (++progress_.stop_signals > 1) return force("a second signal");
      if (progress_.phase == Phase::kServing) begin_drain(std::format("signal {}", signal));
  }
}

void Server::begin_drain(std::string_view why) {
  progress_.phase = Phase::kLeaving;
  told_.status.draining = true;  // load balancers see it first
  // Whoever supervises us has to wait that long.
  supervision_.stopping(config_.server.drain_delay + config_.server.drain_timeout + kForcedEnd + longest_stop(config_));
  if (config_.server.drain_delay == config_.server.drain_delay.zero()) return drain(why);
  log::info("leaving ({}): /readyz says so, and for {} s all goes on as before", why,
            seconds(config_.server.drain_delay));
  progress_.deadline.arm(config_.server.drain_delay);
}

void Server::drain(std::string_view why) {
  progress_.phase = Phase::kDraining;
  log::info("draining ({}): in-flight requests get up to {} s", why, seconds(config_.server.drain_timeout));
  // Apps end last: what is in flight needs them.
  rollout_->workers().drain([this] {
    progress_.deadline.disarm();
    upstreams_.shut_down([this] { loop_.stop(); });
  });
  progress_.deadline.arm(config_.server.drain_timeout);
}

void Server::time_is_over() {
  progress_.phase == Phase::kLeaving ? drain("drain_delay is over") : force("drain_timeout is over");
}

// What still runs is broken off; whoever does not end by then is left behind.
void Server::force(std::string_view why) {
  if (progress_.phase == Phase::kForced) return loop_.stop();
  if (progress_.phase == Phase::kLeaving) drain(why);
  progress_.phase = Phase::kForced;
  log::warn("ending now: {}", why);
  rollout_->workers().close_now();
  progress_.deadline.arm(kForcedEnd);
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

// The one line that says: ready.
void Server::announce() const {
  std::string line = std::format("gatehouse {} ready:", kProgramVersion);
  for (const ListenerSnapshot& listener : rollout_->snapshot().listeners) {
    line += std::format(" {}://{} ({})", listener.tls ? "https" : "http", address_text(listener, rollout_->bound()),
                        text::joined(protocols_of(listener), " "));
  }
  line += doors_.admin ? std::format("; admin http://{}", doors_.admin->address().to_string()) : "; no admin address";
  line += '\n';
  log::flush();  // what was said before stands before it
  print(line);
}

Admin::Pages Server::pages() {
  return {
      .metrics =
          [this] {
            told_.status.access_log_lines = told_.access_log.written();
            told_.status.access_log_dropped = told_.access_log.dropped();
            told_.status.upstream_connections = descriptors_.budget->open();
            told_.status.upstream_connections_limit = descriptors_.budget->limit();
            told_.status.workers_hanging = supervision_.hanging();
            upstreams_.note(told_.counts);
            return told_.metrics.page();
          },
      .status_json = [this] { return board_.json(); },
      .status_table = [this] { return board_.table(); },
      .not_ready = [this] { return told_.status.draining ? std::string("draining") : supervision_.trouble(); },
      .events = &board_.events(),
  };
}

}  // namespace gatehouse
