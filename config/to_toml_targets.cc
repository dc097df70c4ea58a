#include <format>
#include <string>
#include <string_view>

#include "config/quoting.h"
#include "config/target_rules.h"
#include "config/toml_writer.h"

namespace gatehouse::config {

namespace {

std::string header_name(const std::string& name) {
  return name.contains('.') ? toml_string(name) : name;
}

std::string endpoint_literal(const Endpoint& endpoint) {
  const std::string text = literal(endpoint_text(endpoint));
  return endpoint.weight == 1 ? text : std::format("{{ address = {}, weight = {} }}", text, endpoint.weight);
}

std::string hash_on_text(const Balancing& balancing) {
  return std::string(kHashOnNames.text(balancing.hash_on)) + balancing.hash_name;
}

void write_health(TomlWriter& writer, const std::string& table, const Balancing& balancing) {
  const HealthOptions& health = balancing.health;
  const HealthOptions defaults;
  writer.section(std::format("[{}.health]", table));
  writer.value("path", health.path, defaults.path);
  writer.value("host", health.host, defaults.host);
  if (!health.headers.empty()) writer.line("headers", fields(health.headers));
  writer.value("interval", health.interval, defaults.interval);
  writer.value("timeout", health.timeout, defaults.timeout);
  writer.value("unhealthy_after", health.unhealthy_after, defaults.unhealthy_after);
  writer.value("healthy_after", health.healthy_after, defaults.healthy_after);
  if (health.expect_first != defaults.expect_first || health.expect_last != defaults.expect_last) {
    writer.line("expect", literal(health.expect_first == health.expect_last
                                      ? std::to_string(health.expect_first)
                                      : std::format("{}-{}", health.expect_first, health.expect_last)));
  }
  writer.value("initial", health.initial, defaults.initial, kInitialHealthNames);
  writer.value("slow_start", balancing.slow_start, Balancing{}.slow_start);
}

// The values of the table itself come before its tables.
void write_send_file(TomlWriter& writer, const SendFile& send_file) {
  if (send_file.folders.empty() && send_file.places.empty()) return;
  std::vector<std::string> entries;
  for (const std::string& folder : send_file.folders) entries.push_back(literal(folder));
  for (const SendFile::Place& place : send_file.places) {
    entries.push_back(std::format("{{ prefix = {}, folder = {} }}", literal(place.prefix), literal(place.folder)));
  }
  writer.line("send_file", array_of(entries, [](const std::string& entry) { return entry; }));
}

void write_own_values(TomlWriter& writer, const Balancing& balancing) {
  const Balancing defaults;
  writer.value("balance", balancing.balance, defaults.balance, kBalanceNames);
  writer.value("hash_on", hash_on_text(balancing), hash_on_text(defaults));
  writer.value("max_requests", balancing.max_requests, defaults.max_requests);
  writer.value("queue", balancing.queue, defaults.queue);
  writer.value("queue_timeout", balancing.queue_timeout, defaults.queue_timeout);
  writer.value("when_all_unhealthy", balancing.when_all_unhealthy, defaults.when_all_unhealthy, kWhenAllUnhealthyNames);
  writer.value("via", balancing.via, defaults.via, kViaNames);
  writer.value("tolerance", balancing.tolerance, defaults.tolerance, kToleranceNames);
  if (!balancing.delegate_to.empty()) {
    writer.line("delegate_to",
                array_of(balancing.delegate_to, [](const Forward& delegate) { return literal(delegate.upstream); }));
  }
  write_send_file(writer, balancing.send_file);
}

void write_tls(TomlWriter& writer, const std::string& table, const UpstreamTls& tls) {
  const UpstreamTls defaults;
  writer.section(std::format("[{}.tls]", table));
  writer.value("ca", tls.ca, defaults.ca);
  writer.value("server_name", tls.server_name, defaults.server_name);
  writer.value("san", tls.san, defaults.san);
  writer.value("certificate", tls.certificate, defaults.certificate);
  writer.value("private_key", tls.private_key, defaults.private_key);
  writer.value("insecure", tls.insecure, defaults.insecure);
}

void write_tables(TomlWriter& writer, const std::string& table, const Balancing& balancing) {
  const Balancing defaults;
  writer.section(std::format("[{}.pool]", table));
  writer.value("idle_timeout", balancing.pool.idle_timeout, defaults.pool.idle_timeout);
  writer.value("max_idle", balancing.pool.max_idle, defaults.pool.max_idle);
  write_health(writer, table, balancing);
  writer.section(std::format("[{}.outlier]", table));
  writer.value("consecutive_failures", balancing.outlier.consecutive_failures, defaults.outlier.consecutive_failures);
  if (balancing.outlier.statuses != defaults.outlier.statuses) {
    writer.line("statuses", array_of(format_statuses(balancing.outlier.statuses)));
  }
  writer.value("eject_for", balancing.outlier.eject_for, defaults.outlier.eject_for);
  writer.value("max_ejected", balancing.outlier.max_ejected, defaults.outlier.max_ejected);
  writer.section(std::format("[{}.sticky]", table));
  writer.value("cookie", balancing.sticky_cookie, defaults.sticky_cookie);
}

std::string output_text(const App& app) {
  switch (app.output) {
    case AppOutput::kLog:
      return "log";
    case AppOutput::kFile:
      return "file:" + app.output_path;
    case AppOutput::kInherit:
      return "inherit";
    case AppOutput::kOff:
      break;
  }
  return "off";
}

void write_process(TomlWriter& writer, const App& app) {
  const App defaults;
  writer.line("command", array_of(app.command));
  writer.value("directory", app.directory, defaults.directory);
  if (!app.environment.empty()) writer.line("environment", fields(app.environment));
  writer.value("environment_file", app.environment_file, defaults.environment_file);
  if (!app.environment_from.empty()) writer.line("environment_from", array_of(app.environment_from));
  writer.value("user", app.user, defaults.user);
  writer.value("instances", app.instances, defaults.instances);
  writer.value("start", app.start, defaults.start, kAppStartNames);
  writer.value("transport", app.transport, defaults.transport, kAppTransportNames);
  writer.value("profile", app.profile, defaults.profile, kAppProfileNames);
}

void write_life(TomlWriter& writer, const App& app) {
  const App defaults;
  writer.value("ready_path", app.ready_path, defaults.ready_path);
  if (!app.warmup.empty()) writer.line("warmup", array_of(app.warmup));
  writer.value("start_timeout", app.start_timeout, defaults.start_timeout);
  writer.value("stop_timeout", app.stop_timeout, defaults.stop_timeout);
  writer.value("stop_signal", app.stop_signal, defaults.stop_signal, kStopSignalNames);
  writer.value("idle_stop", app.idle_stop, defaults.idle_stop);
  writer.value("offline_file", app.offline_file, defaults.offline_file);
  writer.value("output", output_text(app), output_text(defaults));
  writer.value("error_page", app.detailed_errors, defaults.detailed_errors, kErrorPageNames);
}

void write_life_tables(TomlWriter& writer, const std::string& table, const App& app) {
  const App defaults;
  writer.section(std::format("[{}.rapid_fail]", table));
  writer.value("count", app.rapid_fail.count, defaults.rapid_fail.count);
  writer.value("window", app.rapid_fail.window, defaults.rapid_fail.window);
  writer.section(std::format("[{}.recycle]", table));
  writer.value("every", app.recycle.every, defaults.recycle.every);
  if (!app.recycle.at.empty()) {
    writer.line("at",
                array_of(app.recycle.at, [](std::chrono::minutes time) { return literal(format_time_of_day(time)); }));
  }
  writer.value("requests", app.recycle.requests, defaults.recycle.requests);
  writer.value("memory", app.recycle.memory, defaults.recycle.memory);
  if (!app.recycle.on_change.empty()) writer.line("on_change", array_of(app.recycle.on_change));
  writer.section(std::format("[{}.hooks]", table));
  if (!app.hooks.started.empty()) writer.line("started", array_of(app.hooks.started));
  if (!app.hooks.failed.empty()) writer.line("failed", array_of(app.hooks.failed));
  if (!app.hooks.recycled.empty()) writer.line("recycled", array_of(app.hooks.recycled));
  writer.value("timeout", app.hooks.timeout, defaults.hooks.timeout);
}

}  // namespace

void write_upstream(TomlWriter& writer, const Upstream& upstream) {
  const std::string table = "upstreams." + header_name(upstream.name);
  writer.required_section(std::format("[{}]", table));
  writer.line("endpoints", array_of(upstream.endpoints, endpoint_literal));
  writer.value("proxy_protocol", upstream.balancing.proxy_protocol, SendProxyProtocol::kOff, kSendProxyProtocolNames);
  write_own_values(writer, upstream.balancing);
  write_tls(writer, table, upstream.tls);
  write_tables(writer, table, upstream.balancing);
}

void write_app(TomlWriter& writer, const App& app) {
  const std::string table = "apps." + header_name(app.name);
  writer.required_section(std::format("[{}]", table));
  write_process(writer, app);
  write_life(writer, app);
  write_own_values(writer, app.balancing);
  write_life_tables(writer, table, app);
  write_tables(writer, table, app.balancing);
}

}  // namespace gatehouse::config
