// What `proxy` and `host` have in common: a configuration from a handful of options instead of a file, with a
// listener for h1, h2 and h3 and a route for everything. Places in diagnostics are the options. A FrontBuilder lives
// for one configuration: at the start, and again at every reload. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "config/reading/load.h"
#include "proxy/cli/environment.h"

namespace gatehouse {

struct FrontOptions {
  // Addresses for h1, h2 and h3 over TLS; a Unix socket is without h3.
  std::vector<std::string> listen;
  // PEM files, both or none; none: a self-signed one for localhost, made in the state directory.
  std::string certificate;
  std::string private_key;
  // Another address, for cleartext h1; empty: none.
  std::string http;
  // Empty: the default; "off": none.
  std::string admin;
  // Empty: the default.
  std::string control;
  // The UDP port that is advertised, or "off"; empty or "auto": the listener's own.
  std::string alt_svc;
  // Which options have their value from the environment.
  OptionVariables variables;
};

// Gives `options` of `command` that were not typed what the environment says of them. Throws what CLI11 throws for a
// bad command line, also where one of --certificate and --private-key is there without the other.
void complete(CLI::App& command, FrontOptions& options);

// Collects what the options mean and what is wrong with them: construct, add to config(), route_to(), finish().
class FrontBuilder {
 public:
  // Reads what both commands have in common, and makes the self-signed certificate if it is wanted and not there.
  explicit FrontBuilder(const FrontOptions& options);

  // Where a mistake is: there is no file, so the option stands for it, or the variable that it came from.
  config::Location at(std::string_view option) const;

  // Takes an error of `result` for one of `option`. Returns true if there is none.
  template <class T>
  bool check(const Result<T>& result, std::string_view option) {
    if (!result) error(option, result.error().message);
    return result.has_value();
  }
  // Adds an error, after which finish() gives no configuration.
  void error(std::string_view option, std::string message);
  // Adds what others have found.
  void add(std::vector<config::Diagnostic> diagnostics);
  // Sends all requests to the upstream or app `target`.
  void route_to(const std::string& target, std::string_view option);

  config::Config& config() { return config_; }

  // Validates it, if nothing was wrong so far, with certificates that are read through `certificates`. To be called
  // once, as the last.
  config::Loaded finish(CertificateStore& certificates);

 private:
  void read_certificates(const FrontOptions& options, config::CertificateFiles& files);
  void read_alt_svc(const FrontOptions& options, config::AltSvc& alt_svc);
  void read_listener(const std::string& text, std::string_view option, config::Listener listener);
  void read_server(const FrontOptions& options);

  const OptionVariables variables_;
  config::Loaded loaded_;
  config::Config config_;
};

// As seen from where the command was typed. `path` itself if that folder cannot be told.
std::string absolute_path(const std::string& path);

}  // namespace gatehouse
