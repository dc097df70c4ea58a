#include "proxy/server/config_source.h"

#include <utility>
#include <vector>

namespace gatehouse {
namespace {

// The file, and what is read from the files that it names when it comes into force. (Those of apps are read when an
// app starts, and watched as [apps.NAME] says.)
std::vector<std::string> files_of(const config::Config& config) {
  std::vector<std::string> files;
  const auto add = [&files](const std::string& file) {
    if (!file.empty()) files.push_back(file);
  };
  add(config.file);
  for (const config::Listener& listener : config.listeners) {
    if (!listener.tls) continue;
    for (const config::CertificateFiles& pair : listener.tls->certificates) {
      add(pair.certificate);
      add(pair.private_key);
    }
    for (const config::KeyFile& key : listener.tls->ticket_key_files) add(key.path);
  }
  return files;
}

}  // namespace

ConfigSource::ConfigSource(EventLoop& loop, Load load, std::move_only_function<void(const std::string&)> changed)
    : loop_(loop), load_(std::move(load)), changed_(std::move(changed)) {}

config::Loaded ConfigSource::load() {
  if (watcher_) watcher_->note();
  config::Loaded loaded = load_();
  if (!loaded.config) return loaded;
  const bool wanted = loaded.config->server.watch;
  if (wanted && !watcher_) {
    watcher_ = std::make_unique<ConfigWatcher>(loop_, [this](const std::string& file) { changed_(file); });
  }
  if (!watcher_) return loaded;
  // The watcher stays, with nothing to do: it may be what calls.
  const bool news = watcher_->watch(wanted ? files_of(*loaded.config) : std::vector<std::string>{});
  return news ? load_() : loaded;
}

}  // namespace gatehouse
