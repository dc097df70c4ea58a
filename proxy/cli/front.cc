#include "proxy/cli/front.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <format>
#include <iterator>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>

#include "common/crypto/certificate_self_signed.h"
#include "common/text.h"
#include "config/validate.h"
#include "proxy/cli/client.h"
#include "proxy/system/directories.h"

namespace gatehouse {
namespace {

// A port alone stands for all addresses.
Result<Address> listen_address_of(const std::string& text) {
  return Address::parse(text::parse_decimal(text) ? ':' + text : text);
}

}  // namespace

void complete(CLI::App& command, FrontOptions& options) {
  options.variables = take_variables(command);
  // One of the two is of no use without the other.
  const auto demand = [&](const std::string& option, const std::string& other) {
    const auto variable = options.variables.find(option);
    throw CLI::RequiresError(variable == options.variables.end() ? option : variable->second,
                             std::format("{} or {}", other, variable_of(other)));
  };
  if (options.private_key.empty() && !options.certificate.empty()) demand("--certificate", "--private-key");
  if (options.certificate.empty() && !options.private_key.empty()) demand("--private-key", "--certificate");
}

FrontBuilder::FrontBuilder(const FrontOptions& options) : variables_(options.variables) {
  config::Listener https;
  https.protocols = {.h1 = true, .h2 = true, .h3 = true};
  https.tls.emplace();
  read_certificates(options, https.tls->certificates.emplace_back());
  read_alt_svc(options, https.alt_svc);
  for (const std::string& address : options.listen) read_listener(address, "--listen", https);
  if (!options.http.empty()) {
    config::Listener http;
    http.protocols = {.h1 = true};
    read_listener(options.http, "--http", std::move(http));
  }
  read_server(options);
}

config::Location FrontBuilder::at(std::string_view option) const {
  const auto variable = variables_.find(option);
  return {.file = variable == variables_.end() ? std::string(option) : variable->second};
}

void FrontBuilder::error(std::string_view option, std::string message) {
  loaded_.diagnostics.push_back({.location = at(option), .message = std::move(message)});
}

void FrontBuilder::add(std::vector<config::Diagnostic> diagnostics) {
  std::ranges::move(diagnostics, std::back_inserter(loaded_.diagnostics));
}

void FrontBuilder::route_to(const std::string& target, std::string_view option) {
  config::Route route;
  route.location = at(option);
  route.action = config::Forward{.upstream = target, .location = at(option)};
  config_.routes.push_back(std::move(route));
}

config::Loaded FrontBuilder::finish(CertificateStore& certificates) {
  if (!config::has_errors(loaded_.diagnostics)) {
    add(config::validate(config_));
    add(config::validate_machine(config_, certificates));
  }
  if (!config::has_errors(loaded_.diagnostics)) loaded_.config = std::move(config_);
  return std::move(loaded_);
}

void FrontBuilder::read_certificates(const FrontOptions& options, config::CertificateFiles& files) {
  files.location = at("--certificate");
  if (!options.certificate.empty()) {
    files.certificate = absolute_path(options.certificate);
    files.private_key = absolute_path(options.private_key);
    return;
  }
  const auto directory = directories::state();
  if (!check(directory, "--certificate")) return;
  const auto made = self_signed::ensure(*directory);
  if (!check(made, "--certificate")) return;
  files.certificate = made->certificate;
  files.private_key = made->private_key;
}

void FrontBuilder::read_alt_svc(const FrontOptions& options, config::AltSvc& alt_svc) {
  constexpr std::uint64_t kHighestPort = 65535;
  if (options.alt_svc.empty() || options.alt_svc == "auto") return;
  if (options.alt_svc == "off") {
    alt_svc.mode = config::AltSvcMode::kOff;
    return;
  }
  const auto port = text::parse_decimal(options.alt_svc);
  if (!port || *port < 1 || *port > kHighestPort) {
    error("--alt-svc", std::format("\"{}\" is not a port, auto or off", options.alt_svc));
    return;
  }
  alt_svc.mode = config::AltSvcMode::kPort;
  alt_svc.port = static_cast<std::uint16_t>(*port);
}

void FrontBuilder::read_listener(const std::string& text, std::string_view option, config::Listener listener) {
  const auto address = listen_address_of(text);
  if (!check(address, option)) return;
  listener.location = at(option);
  listener.address = *address;
  if (address->is_unix()) {
    listener.protocols.h3 = false;
    listener.alt_svc = {};
  }
  config_.listeners.push_back(std::move(listener));
}

void FrontBuilder::read_server(const FrontOptions& options) {
  config::Server& server = config_.server;
  if (!options.control.empty()) server.control = absolute_path(options.control);
  server.admin_location = at("--admin");
  if (options.admin == "off") {
    server.admin.reset();
  } else if (!options.admin.empty()) {
    const auto address = admin_address_of(options.admin);
    if (check(address, "--admin")) server.admin = *address;
  }
}

std::string absolute_path(const std::string& path) {
  std::error_code error;
  const auto made = std::filesystem::absolute(path, error);
  return error ? path : made.lexically_normal().string();
}

}  // namespace gatehouse
