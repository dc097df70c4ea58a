#include "proxy/server/config_source.h"

#include <utility>
#include <vector>

#include "common/crypto/x509_handles.h"

namespace gatehouse {
namespace {

// Files, and patterns of others.
std::vector<std::string> list_of(const config::Sources& sources) {
  std::vector<std::string> list = sources.patterns;
  for (const config::Sources::File& file : sources.files) list.push_back(file.name);
  return list;
}

// The files of the configuration, that of an app which has one of its own, and what is read from the files that they
// name when they come into force. (Those of apps are read when an app starts, and watched as [apps.NAME] says.)
std::vector<std::string> list_of(const config::Config& config, const config::Sources& sources) {
  std::vector<std::string> list = list_of(sources);
  const auto add = [&list](const std::string& file) {
    if (!file.empty()) list.push_back(file);
  };
  for (const config::Listener& listener : config.listeners) {
    if (!listener.tls) continue;
    for (const config::CertificateFiles& pair : listener.tls->certificates) {
      add(pair.certificate);
      add(pair.private_key);
      add(pair.passphrase_file);
    }
    for (const config::KeyFile& key : listener.tls->ticket_key_files) add(key.path);
    add(listener.tls->client_ca);
  }
  for (const config::Route& route : config.routes) {
    if (!route.auth) continue;
    add(route.auth->users.path);
    add(route.auth->keytab.path);
  }
  for (const config::App& app : config.apps) {
    if (app.location.file.starts_with('/')) add(app.location.file);
  }
  for (const config::Upstream& upstream : config.upstreams) {
    add(upstream.tls.ca);
    add(upstream.tls.certificate);
    add(upstream.tls.private_key);
  }
  return list;
}

}  // namespace

struct ConfigSource::Task {
  Load load;
  std::shared_ptr<CertificateStore> certificates;
  TlsMaterial::Dependencies dependencies;
  std::stop_token cancelled;

  Outcome run() const;
};

ConfigSource::Outcome ConfigSource::Task::run() const {
  certificates->begin(cancelled);
  config::Loaded loaded = load(*certificates);
  Outcome outcome{.diagnostics = std::move(loaded.diagnostics), .sources = std::move(loaded.sources)};
  if (loaded.config) {
    auto tls = TlsMaterial::load(*loaded.config, dependencies);
    if (tls) {
      outcome.tls = *std::move(tls);
      outcome.config = std::move(loaded.config);
    } else {
      for (config::Diagnostic& diagnostic : tls.error()) {
        diagnostic.message = loaded.config->veil.over(diagnostic.message);
        outcome.diagnostics.push_back(std::move(diagnostic));
      }
    }
  }
  outcome.files = certificates->counts();
  return outcome;
}

ConfigSource::ConfigSource(EventLoop& loop, Load load, User user)
    : loop_(loop),
      load_(std::move(load)),
      user_(std::move(user)),
      certificates_(std::make_shared<CertificateStore>()),
      ticket_keys_(std::make_shared<TicketKeys>()),
      step_threads_(std::make_shared<StepThreads>(StepThreads::Limits{})),
      question_([this](Outcome outcome) {
        if (watch(outcome)) return ask();
        current_.reset();
        user_.loaded(std::move(outcome));
      }) {}

ConfigSource::~ConfigSource() {
  cancelled_.request_stop();
}

ConfigSource::Outcome ConfigSource::load() {
  Outcome outcome = task(nullptr).run();
  return watch(outcome) ? task(nullptr).run() : std::move(outcome);
}

void ConfigSource::begin(std::shared_ptr<const Snapshot> current) {
  current_ = std::move(current);
  if (watcher_) watcher_->note();
  if (!thread_) thread_ = std::make_unique<FileThread>(loop_);
  ask();
}

void ConfigSource::ask() {
  cancelled_ = std::stop_source();
  question_.ask(*thread_, [task = task(current_)] {
    Outcome outcome = task.run();
    forget_openssl_thread();
    return outcome;
  });
}

void ConfigSource::cancel() {
  cancelled_.request_stop();
  question_.drop();
  current_.reset();
}

ConfigSource::Task ConfigSource::task(std::shared_ptr<const Snapshot> current) {
  return {.load = load_,
          .certificates = certificates_,
          .dependencies = {.certificates = *certificates_,
                           .ticket_keys = ticket_keys_,
                           .current = std::move(current),
                           .step_threads = step_threads_},
          .cancelled = cancelled_.get_token()};
}

bool ConfigSource::watch(const Outcome& outcome) {
  // What is wrong may be in a file that nobody has watched yet.
  if (!outcome.config) return watching_ && watcher_->watch_too(list_of(outcome.sources));
  watching_ = outcome.config->server.watch;
  if (watching_ && !watcher_) {
    watcher_ = std::make_unique<ConfigWatcher>(loop_, [this](const std::string& file) { user_.changed(file); });
  }
  // It stays, with nothing to do: it may be what calls.
  return watcher_ &&
         watcher_->watch(watching_ ? list_of(*outcome.config, outcome.sources) : std::vector<std::string>{});
}

}  // namespace gatehouse
