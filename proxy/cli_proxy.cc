#include "proxy/cli_proxy.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <utility>

#include "common/certificate_self_signed.h"
#include "config/validate.h"
#include "proxy/server/directories.h"

namespace gatehouse {

namespace {

constexpr std::string_view kUpstream = "backend";

std::string absolute(const std::string& path) {
  std::error_code error;
  const auto made = std::filesystem::absolute(path, error);
  return error ? path : made.string();
}

class Reader {
 public:
  explicit Reader(config::Loaded& loaded) : loaded_(loaded) {}

  // Where a mistake is: there is no file, so the option stands for it.
  static config::Location at(std::string_view option) { return {.file = std::string(option)}; }

  template <class T>
  bool check(const Result<T>& result, std::string_view option) {
    if (result) return true;
    loaded_.diagnostics.push_back({.location = at(option), .message = result.error().message});
    return false;
  }

  void certificates(const ProxyOptions& options, config::CertificateFiles& files) {
    files.location = at("--certificate");
    if (!options.certificate.empty()) {
      files.certificate = absolute(options.certificate);
      files.private_key = absolute(options.private_key);
      return;
    }
    const auto directory = directories::state();
    if (!check(directory, "--certificate")) return;
    const auto made = self_signed::ensure(*directory);
    if (!check(made, "--certificate")) return;
    files.certificate = made->certificate;
    files.private_key = made->private_key;
  }

  void listener(const std::string& text, std::string_view option, config::Listener listener, config::Config& config) {
    const auto address = Address::parse(text);
    if (!check(address, option)) return;
    listener.location = at(option);
    listener.address = *address;
    if (address->is_unix()) listener.protocols.h3 = false;
    config.listeners.push_back(std::move(listener));
  }

 private:
  config::Loaded& loaded_;
};

void read_endpoints(const ProxyOptions& options, Reader& reader, config::Config& config) {
  config::Upstream upstream;
  upstream.name = kUpstream;
  upstream.location = Reader::at("--to");
  for (const std::string& text : options.to) {
    const auto address = endpoint_of(text);
    if (!reader.check(address, "--to")) continue;
    upstream.endpoints.push_back({.address = *address, .location = Reader::at("--to")});
  }
  config.upstreams.push_back(std::move(upstream));
  config::Route route;
  route.location = Reader::at("--to");
  route.action = config::Forward{.upstream = std::string(kUpstream), .location = Reader::at("--to")};
  config.routes.push_back(std::move(route));
}

void read_listeners(const ProxyOptions& options, Reader& reader, config::Config& config) {
  config::Listener https;
  https.protocols = {.h1 = true, .h2 = true, .h3 = true};
  https.tls.emplace();
  reader.certificates(options, https.tls->certificates.emplace_back());
  for (const std::string& address : options.listen) reader.listener(address, "--listen", https, config);
  if (options.http.empty()) return;
  config::Listener http;
  http.protocols = {.h1 = true};
  reader.listener(options.http, "--http", std::move(http), config);
}

}  // namespace

Result<Address> endpoint_of(const std::string& text) {
  constexpr std::string_view kScheme = "http://";
  std::string address = text;
  if (address.starts_with("https://")) {
    return failure(text + ": endpoints speak cleartext HTTP/1.1; give http://host:port");
  }
  if (address.starts_with(kScheme)) address.erase(0, kScheme.size());
  if (!address.starts_with("unix:")) {
    const std::size_t slash = address.find('/');
    if (slash != std::string::npos && slash + 1 != address.size()) {
      return failure(text + ": an address has no path");
    }
    if (slash != std::string::npos) address.pop_back();
    const std::size_t colon = address.rfind(':');
    const bool has_port = colon != std::string::npos && address.find(']', colon) == std::string::npos;
    if (!has_port) address += ":80";
  }
  if (address.starts_with(':')) return failure(text + ": an endpoint needs a host");
  auto parsed = Address::parse(address);
  if (parsed && !parsed->is_unix() && parsed->port() == 0) return failure(text + ": an endpoint needs a port");
  return parsed;
}

config::Loaded proxy_config(const ProxyOptions& options) {
  config::Loaded loaded;
  config::Config config;
  Reader reader(loaded);
  read_listeners(options, reader, config);
  read_endpoints(options, reader, config);
  config.server.control = options.control.empty() ? "" : absolute(options.control);
  config.server.admin_location = Reader::at("--admin");
  if (options.admin == "off") {
    config.server.admin.reset();
  } else if (!options.admin.empty()) {
    const auto address = Address::parse(options.admin);
    if (reader.check(address, "--admin")) config.server.admin = *address;
  }
  if (loaded.diagnostics.empty()) {
    for (auto found : {config::validate(config), config::validate_machine(config)}) {
      std::ranges::move(found, std::back_inserter(loaded.diagnostics));
    }
  }
  if (!config::has_errors(loaded.diagnostics)) loaded.config = std::move(config);
  return loaded;
}

}  // namespace gatehouse
