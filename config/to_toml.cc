#include "config/to_toml.h"

#include <cstddef>
#include <format>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/text.h"
#include "config/names.h"
#include "config/toml_writer.h"

namespace gatehouse::config {

namespace {

void write_server(TomlWriter& writer, const Server& server, const Log& log) {
  const Server server_defaults;
  writer.section("[server]");
  writer.value("workers", server.workers, server_defaults.workers);
  if (server.admin != server_defaults.admin) writer.line("admin", server.admin ? literal(*server.admin) : "\"\"");
  if (!server.admin_names.empty()) writer.line("admin_names", array_of(server.admin_names));
  writer.value("control", server.control, server_defaults.control);
  writer.value("registrations", server.registrations, server_defaults.registrations);
  writer.value("user", server.user, server_defaults.user);
  writer.value("drain_timeout", server.drain_timeout, server_defaults.drain_timeout);
  writer.value("drain_delay", server.drain_delay, server_defaults.drain_delay);
  writer.value("watch", server.watch, server_defaults.watch);
  writer.value("secret_file", server.secret_file.path, server_defaults.secret_file.path);
  if (!server.quic_server_id.empty()) {
    writer.line("quic_server_id", literal(text::hex({reinterpret_cast<const char*>(server.quic_server_id.data()),
                                                     server.quic_server_id.size()})));
  }
  writer.value("quic_config_id", server.quic_config_id, server_defaults.quic_config_id);

  const Log log_defaults;
  writer.section("[log]");
  writer.value("level", log.level, log_defaults.level, kLevelNames);
  writer.value("output", log.output, log_defaults.output);
  if (log.redact != log_defaults.redact) writer.line("redact", array_of(log.redact));
  writer.section("[log.access]");
  writer.value("output", log.access.output, log_defaults.access.output);
  writer.value("format", log.access.format, log_defaults.access.format, kFormatNames);
}

void write_tls(TomlWriter& writer, const Tls& tls) {
  const Tls defaults;
  writer.required_section("[listeners.tls]");
  writer.line("certificates", array_of(tls.certificates, [](const CertificateFiles& files) {
                std::string entry = "{ certificate = " + literal(files.certificate);
                if (!files.private_key.empty()) entry += ", private_key = " + literal(files.private_key);
                if (!files.passphrase_file.empty()) entry += ", passphrase_file = " + literal(files.passphrase_file);
                return entry + " }";
              }));
  writer.value("unknown_sni", tls.unknown_sni, defaults.unknown_sni, kUnknownSniNames);
  writer.value("min_version", tls.min_version, defaults.min_version, kTlsVersionNames);
  writer.value("session_tickets", tls.session_tickets, defaults.session_tickets);
  if (!tls.ticket_key_files.empty()) {
    writer.line("ticket_key_files",
                array_of(tls.ticket_key_files, [](const KeyFile& file) { return literal(file.path); }));
  }
  writer.value("client_auth", tls.client_auth, defaults.client_auth, kClientAuthNames);
  writer.value("client_ca", tls.client_ca, defaults.client_ca);
  writer.value("early_data", tls.early_data, defaults.early_data);
}

void write_protocols(TomlWriter& writer, const Listener& listener) {
  if (listener.protocols == default_protocols(listener)) return;
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < kProtocolNames.values.size(); ++i) {
    if (listener.protocols.*kProtocolNames.values[i]) words.push_back(kProtocolNames.texts[i]);
  }
  writer.line("protocols", array_of(words, [](std::string_view word) { return literal(word); }));
}

void write_listener(TomlWriter& writer, const Listener& listener) {
  const Listener defaults;
  writer.required_section("[[listeners]]");
  writer.line("address", literal(listener.address));
  write_protocols(writer, listener);
  if (!listener.trusted_proxies.empty()) {
    writer.line("trusted_proxies", array_of(listener.trusted_proxies,
                                            [](const AddressRange& range) { return literal(range.to_string()); }));
  }
  writer.value("client_address", listener.client_address, defaults.client_address, kClientAddressNames);
  writer.value("proxy_protocol", listener.proxy_protocol, defaults.proxy_protocol, kProxyProtocolNames);
  if (!listener.strip.empty()) {
    writer.line("strip", array_of(listener.strip, [](const std::string& name) { return literal(name); }));
  }
  writer.value("redirect_to_https", listener.redirect_to_https, defaults.redirect_to_https);
  writer.value("plain_on_tls", listener.plain_on_tls, defaults.plain_on_tls, kPlainOnTlsNames);
  writer.value("max_connections", listener.max_connections, defaults.max_connections);
  if (listener.alt_svc.mode == AltSvcMode::kOff) writer.line("alt_svc", "\"off\"");
  if (listener.alt_svc.mode == AltSvcMode::kPort) writer.line("alt_svc", literal(listener.alt_svc.port));
  writer.value("alt_svc_max_age", listener.alt_svc.max_age, defaults.alt_svc.max_age);
  writer.value("alt_svc_frame", listener.alt_svc_frame, defaults.alt_svc_frame);
  writer.section("[listeners.quic]");
  writer.value("congestion_control", listener.quic.congestion_control, defaults.quic.congestion_control,
               kCongestionControlNames);
  if (listener.tls) write_tls(writer, *listener.tls);
}

void write_action(TomlWriter& writer, const Route& route) {
  if (const auto* const forward = std::get_if<Forward>(&route.action); forward != nullptr) {
    writer.line("to", literal(forward->upstream));
  } else if (const auto* const redirect = std::get_if<Redirect>(&route.action); redirect != nullptr) {
    writer.line("redirect", literal(redirect->target));
    if (redirect->status != Redirect{}.status) writer.line("status", std::to_string(redirect->status));
  } else if (const auto* const respond = std::get_if<Respond>(&route.action); respond != nullptr) {
    writer.line("respond", std::format("{{ status = {}, body = {} }}", respond->status, literal(respond->body)));
  } else if (const auto* const files = std::get_if<Files>(&route.action); files != nullptr) {
    const Files defaults;
    writer.line("files", literal(files->folder));
    if (files->attempts != defaults.attempts) writer.line("try", array_of(files->attempts));
    if (files->index != defaults.index) writer.line("index", array_of(files->index));
    writer.value("follow_links", files->follow_links, defaults.follow_links);
  }
}

void write_header_edits(TomlWriter& writer, std::string_view section, const HeaderEdits& edits) {
  writer.section(std::format("[routes.{}]", section));
  if (!edits.set.empty()) writer.line("set", fields(edits.set));
  if (!edits.add.empty()) writer.line("add", fields(edits.add));
  if (!edits.remove.empty()) {
    writer.line("remove", array_of(edits.remove, [](const std::string& name) { return literal(name); }));
  }
}

std::string auth_text(const Auth& auth) {
  std::vector<std::string> schemes;
  for (std::size_t i = 0; i < kAuthSchemeNames.values.size(); ++i) {
    if (auth.*kAuthSchemeNames.values[i]) schemes.push_back(literal(kAuthSchemeNames.texts[i]));
  }
  std::string text = std::format("{{ schemes = [{}]", text::joined(schemes, ", "));
  if (!auth.keytab.path.empty()) text += std::format(", keytab = {}", literal(auth.keytab.path));
  if (!auth.users.path.empty()) text += std::format(", users = {}", literal(auth.users.path));
  if (auth.anonymous) text += ", anonymous = true";
  if (auth.channel_binding != ChannelBinding::kOff) {
    text += std::format(", channel_binding = {}", literal(kChannelBindingNames.text(auth.channel_binding)));
  }
  return text + " }";
}

void write_route(TomlWriter& writer, const Route& route) {
  const Route defaults;
  writer.required_section("[[routes]]");
  if (!route.hosts.empty()) {
    writer.line("hosts", array_of(route.hosts, [](const std::string& host) { return literal(host); }));
  }
  writer.value("path", route.path, defaults.path);
  write_action(writer, route);
  writer.value("strip_prefix", route.strip_prefix, defaults.strip_prefix);
  writer.value("preserve_host", route.preserve_host, defaults.preserve_host);
  writer.value("path_as", route.path_as, defaults.path_as, kPathAsNames);
  writer.value("rewrite", route.rewrite, defaults.rewrite);
  writer.value("redirect_to_https", route.redirect_to_https, defaults.redirect_to_https);
  writer.value("forwarded", route.forwarded, defaults.forwarded, kForwardedNames);
  writer.value("real_ip", route.real_ip, defaults.real_ip);
  writer.value("half_closed", route.half_closed, defaults.half_closed, kHalfClosedNames);
  if (route.upgrade != defaults.upgrade) {
    writer.line("upgrade", array_of(route.upgrade, [](const std::string& token) { return literal(token); }));
  }
  writer.value("cache", route.cache, defaults.cache, kCachingNames);
  writer.value("cache_obeys_clients", route.cache_obeys_clients, defaults.cache_obeys_clients);
  writer.value("connection_auth", route.connection_auth, defaults.connection_auth);
  if (route.h1_only) writer.line("protocols", "[\"h1\"]");
  writer.value("grpc", route.grpc, defaults.grpc, kGrpcNames);
  writer.value("push", route.push, defaults.push);
  writer.value("early_hints", route.early_hints, defaults.early_hints);
  const auto range_text = [](const AddressRange& range) { return literal(range.to_string()); };
  if (!route.allow.empty()) writer.line("allow", array_of(route.allow, range_text));
  if (!route.deny.empty()) writer.line("deny", array_of(route.deny, range_text));
  if (route.auth) writer.line("auth", auth_text(*route.auth));
  write_header_edits(writer, "request_headers", route.request_headers);
  write_header_edits(writer, "response_headers", route.response_headers);
  writer.section("[routes.limits]");
  writer.override("max_request_body", route.limits.max_request_body);
  writer.override("min_request_rate", route.limits.min_request_rate);
  writer.override("min_response_rate", route.limits.min_response_rate);
  writer.override("bandwidth", route.limits.bandwidth);
  writer.section("[routes.timeouts]");
  writer.override("request_body", route.timeouts.request_body);
  writer.override("connect", route.timeouts.connect);
  writer.override("response", route.timeouts.response);
  writer.override("response_body", route.timeouts.response_body);
  writer.override("response_write", route.timeouts.response_write);
  writer.override("tunnel", route.timeouts.tunnel);
}

void write_cache(TomlWriter& writer, const CacheLimits& cache) {
  const CacheLimits defaults;
  writer.section("[cache]");
  writer.value("memory", cache.memory, defaults.memory);
  writer.value("max_entry", cache.max_entry, defaults.max_entry);
}

void write_reservation(TomlWriter& writer, const Reservation& reservation) {
  if (!reservation.prefix) return;  // could not be read
  const Reservation defaults;
  writer.required_section("[[reservations]]");
  writer.line("prefix", literal(reservation.prefix->to_string()));
  writer.value("user", reservation.user, defaults.user);
  writer.value("group", reservation.group, defaults.group);
  writer.value("whole_port", reservation.whole_port, defaults.whole_port);
}

void write_limits(TomlWriter& writer, const Limits& limits, const Timeouts& timeouts) {
  const Limits limit_defaults;
  writer.section("[limits]");
  writer.value("max_connections", limits.max_connections, limit_defaults.max_connections);
  writer.value("max_requests_per_connection", limits.max_requests_per_connection,
               limit_defaults.max_requests_per_connection);
  writer.value("max_streams", limits.max_streams, limit_defaults.max_streams);
  writer.value("max_request_body", limits.max_request_body, limit_defaults.max_request_body);
  writer.value("max_header_bytes", limits.max_header_bytes, limit_defaults.max_header_bytes);
  writer.value("max_header_count", limits.max_header_count, limit_defaults.max_header_count);
  writer.value("max_target_bytes", limits.max_target_bytes, limit_defaults.max_target_bytes);
  writer.value("min_request_rate", limits.min_request_rate, limit_defaults.min_request_rate);
  writer.value("min_response_rate", limits.min_response_rate, limit_defaults.min_response_rate);
  writer.value("bandwidth", limits.bandwidth, limit_defaults.bandwidth);
  writer.value("max_connections_per_client", limits.max_connections_per_client.value,
               limit_defaults.max_connections_per_client.value);
  writer.value("max_handshakes_per_client", limits.max_handshakes_per_client.value,
               limit_defaults.max_handshakes_per_client.value);

  const Timeouts defaults;
  writer.section("[timeouts]");
  writer.value("handshake", timeouts.handshake, defaults.handshake);
  writer.value("header", timeouts.header, defaults.header);
  writer.value("idle", timeouts.idle, defaults.idle);
  writer.value("request_body", timeouts.request_body, defaults.request_body);
  writer.value("connect", timeouts.connect, defaults.connect);
  writer.value("response", timeouts.response, defaults.response);
  writer.value("response_body", timeouts.response_body, defaults.response_body);
  writer.value("response_write", timeouts.response_write, defaults.response_write);
  writer.value("tunnel", timeouts.tunnel, defaults.tunnel);
  writer.value("linger", timeouts.linger, defaults.linger);
}

}  // namespace

std::string to_toml(const Config& config) {
  TomlWriter writer;
  write_server(writer, config.server, config.log);
  for (const Listener& listener : config.listeners) write_listener(writer, listener);
  for (const Route& route : config.routes) write_route(writer, route);
  for (const Upstream& upstream : config.upstreams) write_upstream(writer, upstream);
  for (const App& app : config.apps) write_app(writer, app);
  write_cache(writer, config.cache);
  for (const Reservation& reservation : config.reservations) write_reservation(writer, reservation);
  write_limits(writer, config.limits, config.timeouts);
  return writer.take();
}

}  // namespace gatehouse::config
