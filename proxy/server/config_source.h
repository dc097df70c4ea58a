// Where the configuration comes from: loads it at the start, and at every reload on a thread of its own, with all that
// takes files: validation, certificates, TLS contexts. With `watch` in [server] it says when it should be loaded again.
// What was loaded was already being watched when it was read, so that no change falls between the two. Owned by the
// Server; its thread, but for the Load.
//
//   begin(): note() what the files are like
//        thread:  Load -> TlsMaterial::load
//   loop: watch() the files that it names -> others among them? begin again -> loaded(outcome)
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/crypto/certificate_store.h"
#include "config/reading/load.h"
#include "proxy/apps/files/file_thread.h"
#include "proxy/runtime/tls_material.h"
#include "proxy/server/config_watcher.h"

namespace gatehouse {

class ConfigSource {
 public:
  // Reads the configuration from a file or from options, whichever the command line said. Called on the loading thread,
  // and at the start on ours.
  using Load = std::function<config::Loaded(CertificateStore&)>;
  struct Outcome {
    // Only if there is no error; then `tls` is for it.
    std::optional<config::Config> config;
    TlsMaterial tls;
    // With a config, warnings only. What the configuration has from the environment is veiled.
    std::vector<config::Diagnostic> diagnostics;
    config::Sources sources;
    CertificateStore::Counts files;
  };
  struct User {
    // Gets the outcome of begin(), from the loop; may call begin().
    std::move_only_function<void(Outcome)> loaded;
    // Gets the name of a file that is not as it was loaded, from the loop; may call begin().
    std::move_only_function<void(const std::string&)> changed;
  };

  ConfigSource(EventLoop& loop, Load load, User user);
  // A load that runs is cancelled; it is waited for as FileThread says.
  ~ConfigSource();
  ConfigSource(const ConfigSource&) = delete;
  ConfigSource& operator=(const ConfigSource&) = delete;

  // At the start, when there is nothing to keep going: loads on this thread.
  Outcome load();
  // Begins to load on the thread. `current` is the snapshot in force. REQUIRES: no load runs
  void begin(std::shared_ptr<const Snapshot> current);
  // What was begun is given up; loaded() is not called for it.
  void cancel();
  // The outcome is in force: what of certificates it does not have is forgotten. REQUIRES: no load runs
  void committed() { certificates_->forget_unused(); }

 private:
  // What a load needs, on whatever thread.
  struct Task;

  // Has the files watched that the outcome names, if it says so. One with errors leaves those of before watched, and adds
  // those that it was read from. Returns whether there are others among them, so that what was read of them may be out of
  // date.
  bool watch(const Outcome& outcome);
  Task task(std::shared_ptr<const Snapshot> current);
  void ask();

  EventLoop& loop_;
  const Load load_;
  User user_;
  // There from the first configuration on that wants it; it stays, with nothing to watch, when none does any more.
  std::unique_ptr<ConfigWatcher> watcher_;
  // The thread's while it loads.
  const std::shared_ptr<CertificateStore> certificates_;
  const std::shared_ptr<TicketKeys> ticket_keys_;
  const std::shared_ptr<StepThreads> step_threads_;
  // Of the load that runs.
  std::shared_ptr<const Snapshot> current_;
  std::stop_source cancelled_;
  FileQuestion<Outcome> question_;
  // Made with the first reload.
  std::unique_ptr<FileThread> thread_;
  // Whether the last configuration without errors wants it.
  bool watching_ = false;
};

}  // namespace gatehouse
