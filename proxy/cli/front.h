// What `proxy` and `host` have in common: a configuration from a handful of options instead of a file, with a listener
// for h1, h2 and h3 and a route for everything. Places in diagnostics are the options. Start-up only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "config/reading/load.h"
#include "proxy/cli/environment.h"

namespace gatehouse {

struct FrontOptions {
  std::vector<std::string> listen;  // addresses for h1, h2 and h3 over TLS
  std::string certificate;          // both or none; none: a self-signed one for localhost
  std::string private_key;
  std::string http;           // another address, cleartext; empty: none
  std::string admin;          // empty: the default; "off": none
  std::string control;        // empty: the default
  std::string alt_svc;        // the UDP port that is advertised, or "off"; empty: the listener's own
  OptionVariables variables;  // of those that the environment gave
};

// Gives `options` of `command` that were not typed what the environment says of them. Throws what CLI11 throws for a
// bad command line.
void complete(CLI::App& command, FrontOptions& options);

// Collects what the options mean and what is wrong with them.
class FrontBuilder {
 public:
  explicit FrontBuilder(const FrontOptions& options);

  // Where a mistake is: there is no file, so the option stands for it, or the variable that it came from.
  config::Location at(std::string_view option) const;

  template <class T>
  bool check(const Result<T>& result, std::string_view option) {
    if (!result) error(option, result.error().message);
    return result.has_value();
  }
  void error(std::string_view option, std::string message);
  void add(std::vector<config::Diagnostic> diagnostics);
  void route_to(const std::string& target, std::string_view option);  // all requests

  config::Config& config() { return config_; }

  // Validates it, if nothing was wrong so far.
  config::Loaded finish();

 private:
  void read_certificates(const FrontOptions& options, config::CertificateFiles& files);
  void read_alt_svc(const FrontOptions& options, config::AltSvc& alt_svc);
  void read_listener(const std::string& text, std::string_view option, config::Listener listener);
  void read_server(const FrontOptions& options);

  const OptionVariables variables_;
  config::Loaded loaded_;
  config::Config config_;
};

// As seen from where the command was typed.
std::string absolute_path(const std::string& path);

}  // namespace gatehouse
