#include "proxy/runtime/auth_gates.h"

#include <map>
#include <string>
#include <utility>

#include "common/crypto/password_file.h"
#include "proxy/gates/kerberos_acceptor.h"
#include "proxy/runtime/snapshot.h"
#include "proxy/runtime/snapshot_builder.h"

namespace gatehouse {

namespace {

// Each file once in a load.
class UserFiles {
 public:
  explicit UserFiles(const Snapshot* current) {
    if (current == nullptr) return;
    for (const Route& route : current->routes->routes()) {
      if (route.auth && route.auth->options().users) before_.push_back(route.auth->options().users);
    }
  }

  std::shared_ptr<KnownUsers> of(const config::KeyFile& source, TlsMaterial::Diagnostics& diagnostics) {
    const auto known = loaded_.find(source.path);
    if (known != loaded_.end()) return known->second;
    auto file = PasswordFile::load(source.path);
    if (file) return loaded_[source.path] = kept(*std::move(file));
    for (PasswordFile::Mistake& mistake : file.error()) {
      const bool in_line = mistake.line != 0;
      diagnostics.push_back({.location = in_line
                                             ? config::Location{.file = source.path, .line = mistake.line, .column = 1}
                                             : source.location,
                             .message = std::move(mistake.message)});
    }
    return loaded_[source.path] = nullptr;
  }

 private:
  std::shared_ptr<KnownUsers> kept(PasswordFile&& file) const {
    for (const auto& users : before_) {
      if (users->file.same_as(file)) return users;
    }
    return std::make_shared<KnownUsers>(std::move(file));
  }

  std::vector<std::shared_ptr<KnownUsers>> before_;
  std::map<std::string, std::shared_ptr<KnownUsers>> loaded_;
};

}  // namespace

std::vector<std::shared_ptr<const AuthGate>> auth_gates(const config::Config& config,
                                                        const TlsMaterial::Dependencies& dependencies,
                                                        TlsMaterial::Diagnostics& diagnostics) {
  UserFiles users(dependencies.current.get());
  std::shared_ptr<StepThreads> threads = dependencies.step_threads;
  if (!threads) threads = std::make_shared<StepThreads>(StepThreads::Limits{});
  std::vector<std::shared_ptr<const AuthGate>> gates;
  for (const config::Route& route : config.routes) {
    gates.emplace_back();
    if (!route.auth) continue;
    AuthGate::Options options{.realm = route_name(route), .anonymous = route.auth->anonymous, .threads = threads};
    if (route.auth->basic) options.users = users.of(route.auth->users, diagnostics);
    if (route.auth->negotiate) {
      auto acceptor = KerberosAcceptor::open(route.auth->keytab.path, route.auth->channel_binding);
      if (acceptor) {
        options.negotiate = *std::move(acceptor);
      } else {
        diagnostics.push_back({.location = route.auth->keytab.location, .message = acceptor.error().message});
      }
    }
    gates.back() = std::make_shared<const AuthGate>(std::move(options));
  }
  return gates;
}

}  // namespace gatehouse
