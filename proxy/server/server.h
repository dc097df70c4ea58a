// The whole program once it knows what to serve: the control thread's loop with signals, control socket, admin pages
// and the rollout of configurations to the workers. run() is the life of the process. A local of the command that
// serves (`run`, `proxy`, `host`); the main thread, which is the control thread.
//
//   starting --all bound--> serving --signal, command--> leaving --drain_delay--> draining --empty--> ended
//                           |  ^ reload (asked for,      (/readyz says 503,       (nothing new)
//                           +--+  or files watched:       all are served)
//                                 loads on a thread)
//
//   serving --the terminal goes, or the app ends, where the Options say so--> leaving
//   leaving, draining --second signal--> forced --empty, or half a second--> ended
//   draining --drain_timeout-----------> forced        (what still runs is broken off)
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/event_loop.h"
#include "common/timer.h"
#include "config/reading/load.h"
#include "proxy/admin/admin.h"
#include "proxy/admin/status_board.h"
#include "proxy/discovery/upstream_directory.h"
#include "proxy/observe/access_log.h"
#include "proxy/observe/metrics.h"
#include "proxy/runtime/rollout.h"
#include "proxy/server/config_source.h"
#include "proxy/server/control_socket.h"
#include "proxy/server/reload_queue.h"
#include "proxy/system/inherited_sockets.h"
#include "proxy/system/signals.h"
#include "proxy/system/supervision.h"

namespace gatehouse {

class Server {
 public:
  // Called at the start on the control thread, and at every reload on one of its own.
  using Load = ConfigSource::Load;
  // What is different where the configuration was typed and is in no file.
  struct Options {
    // Nobody has asked for the address of the admin pages: another port will do where that one is in use.
    bool admin_anywhere = false;
    // SIGHUP ends it, without much patience: who would wait for it has gone.
    bool ends_on_hangup = false;
    // It ends with the first instance of an app that ends by itself, by the same exit code.
    bool ends_with_app = false;
  };

  // Takes the sockets that were handed over, and nothing else yet. REQUIRES: Signals::block() was called, and no
  // other thread runs.
  Server(Load load, const Options& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves until told to stop; to be called once. Returns 0 if it ended as asked, the exit code of the app that it
  // ended with, and 1 if it could not start: then diagnostics are on standard error and nothing was served. Once it
  // serves, one line on standard error says so.
  int run();

 private:
  // The states of the drawing.
  enum class Phase : std::uint8_t { kStarting, kServing, kLeaving, kDraining, kForced };
  using Diagnostics = std::vector<config::Diagnostic>;
  // What is told of the whole process: on /metrics and /status, and in the access log.
  struct Told {
    ServerStatus status;
    ControlMetrics counts;
    Metrics metrics{status, counts};
    AccessLog access_log;
  };
  struct Descriptors {
    // How many files the process may open.
    std::size_t limit = 0;
    // Shared with every worker: how many connections to endpoints there may be.
    std::shared_ptr<DescriptorBudget> budget = std::make_shared<DescriptorBudget>();
  };
  // Where the operator comes in.
  struct Doors {
    std::unique_ptr<Admin> admin;
    std::unique_ptr<ControlSocket> control;
    std::unique_ptr<Signals> signals;
  };
  // What it was started with.
  struct Origin {
    Options options;
    InheritedSockets inherited;
  };
  // Where it is in the drawing, and what moves it on.
  struct Progress {
    Timer deadline;
    ReloadQueue reloads = {};
    Phase phase = Phase::kStarting;
    // What run() returns.
    int exit_code = 0;
    // How many signals have asked for the end; the second one forces it.
    int stop_signals = 0;
  };

  bool start();
  Diagnostics open_control(const config::Config& config);
  Diagnostics put_into_force(const config::Config& config, TlsMaterial tls);
  Result<std::unique_ptr<Admin>> open_admin(const Address& address);
  void divide_descriptors();
  void note_snapshot();
  Result<> drop_rights(const config::Config& config) const;
  std::string status_line() const;
  void reload(ReloadQueue::Reply reply);
  void begin_reload();
  void loaded(ConfigSource::Outcome outcome);
  ControlReply reload_ended(Diagnostics diagnostics, bool ok);
  void command(std::string_view name, ControlSocket::Reply reply);
  ControlReply app_command(std::string_view words);
  ControlReply purge(std::string_view prefix) const;
  // Before a scrape.
  void note_cache();
  void on_signal(int signal);
  void on_hangup();
  void on_app_ended(const app_event::Ended& ended);
  void begin_drain(std::string_view why);
  void drain(std::string_view why);
  void time_is_over();
  void force(std::string_view why);
  void announce() const;
  Admin::Pages pages();

  Origin origin_;
  EventLoop loop_;
  ConfigSource source_;
  Told told_;
  // The configuration in force; empty before the first.
  config::Config config_;
  Descriptors descriptors_;
  UpstreamDirectory upstreams_;
  StatusBoard board_;
  std::unique_ptr<Rollout> rollout_;
  Doors doors_;
  Supervision supervision_;
  Progress progress_;
};

}  // namespace gatehouse
