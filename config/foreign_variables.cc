#include "config/foreign_variables.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "common/text.h"

namespace gatehouse::config {

namespace {

constexpr std::string_view kClient =
    R"(endpoints get X-Forwarded-For by themselves, and X-Real-IP with real_ip = true)";
constexpr std::string_view kHost = R"(endpoints get Host and X-Forwarded-Host by themselves; see "preserve_host")";
constexpr std::string_view kScheme = "endpoints get X-Forwarded-Proto by themselves";
constexpr std::string_view kPort = "endpoints get X-Forwarded-Port by themselves";
constexpr std::string_view kId = "endpoints get X-Request-Id by themselves";
constexpr std::string_view kUpgrade = R"(WebSocket works without it; see "upgrade")";
constexpr std::string_view kCertificate =
    R"(endpoints get Client-Cert by themselves; see "client_auth" of the listener)";
constexpr std::string_view kNothing;

struct Row {
  std::string_view name;
  std::string_view advice;
};

// Behind "$".
constexpr auto kOfNginx = std::to_array<Row>({
    {"remote_addr", kClient},
    {"binary_remote_addr", kClient},
    {"realip_remote_addr", kClient},
    {"proxy_add_x_forwarded_for", kClient},
    {"proxy_protocol_addr", kClient},
    {"remote_port", kNothing},
    {"remote_user", kNothing},
    {"host", kHost},
    {"http_host", kHost},
    {"hostname", kNothing},
    {"server_name", kHost},
    {"proxy_host", kHost},
    {"server_addr", kNothing},
    {"server_port", kPort},
    {"proxy_port", kPort},
    {"server_protocol", kNothing},
    {"scheme", kScheme},
    {"https", kScheme},
    {"request_id", kId},
    {"http_upgrade", kUpgrade},
    {"connection_upgrade", kUpgrade},
    {"ssl_client_cert", kCertificate},
    {"ssl_client_escaped_cert", kCertificate},
    {"ssl_client_s_dn", kCertificate},
    {"ssl_client_verify", kCertificate},
    {"request", kNothing},
    {"request_uri", kNothing},
    {"request_method", kNothing},
    {"request_body", kNothing},
    {"request_time", kNothing},
    {"request_filename", kNothing},
    {"uri", kNothing},
    {"document_uri", kNothing},
    {"document_root", kNothing},
    {"args", kNothing},
    {"is_args", kNothing},
    {"query_string", kNothing},
    {"status", kNothing},
    {"body_bytes_sent", kNothing},
    {"bytes_sent", kNothing},
    {"connection", kNothing},
    {"content_length", kNothing},
    {"content_type", kNothing},
    {"msec", kNothing},
    {"time_local", kNothing},
    {"time_iso8601", kNothing},
    {"nginx_version", kNothing},
});
// With anything behind them: "http_x_name".
constexpr std::array<std::string_view, 7> kFamiliesOfNginx{"http_", "arg_",      "cookie_", "sent_http_",
                                                           "ssl_",  "upstream_", "geoip_"};

// Between braces.
constexpr auto kOfCaddy = std::to_array<Row>({
    {"client_ip", kClient},
    {"remote", kClient},
    {"remote_addr", kClient},
    {"remote_host", kClient},
    {"remote_ip", kClient},
    {"remote_port", kNothing},
    {"host", kHost},
    {"hostport", kHost},
    {"labels.0", kHost},
    {"port", kPort},
    {"scheme", kScheme},
    {"request_id", kId},
    {"http.request.uuid", kId},
    {"uri", kNothing},
    {"path", kNothing},
    {"query", kNothing},
    {"method", kNothing},
    {"user", kNothing},
    {"upstream_hostport", kHost},
    {"http.reverse_proxy.upstream.hostport", kHost},
    {"tls_client_certificate_pem", kCertificate},
});
constexpr std::array<std::string_view, 9> kFamiliesOfCaddy{"http.", "header.", "cookie.", "query.", "path.",
                                                           "tls_",  "env.",    "vars.",   "re."};

std::optional<std::string_view> advice_for(std::string_view name, std::span<const Row> rows,
                                           std::span<const std::string_view> families) {
  const auto found = std::ranges::find(rows, name, &Row::name);
  if (found != rows.end()) return found->advice;
  const auto is_of = [&](std::string_view family) { return name.size() > family.size() && name.starts_with(family); };
  if (std::ranges::any_of(families, is_of)) return kNothing;
  return std::nullopt;
}

bool is_name_character(char c) {
  return text::is_letter_or_digit(c) || c == '_';
}

// The name behind the "$" at the front.
std::string_view name_of(std::string_view text) {
  const auto end = std::ranges::find_if_not(text.substr(1), is_name_character) - text.begin();
  return text.substr(1, static_cast<std::size_t>(end) - 1);
}

std::optional<ForeignVariable> variable_at(std::string_view text) {
  if (text.front() == '$') {
    const std::string_view name = name_of(text);
    const auto advice = advice_for(text::lower(name), kOfNginx, kFamiliesOfNginx);
    if (!advice) return std::nullopt;
    return ForeignVariable{.text = "$" + std::string(name), .advice = *advice};
  }
  const std::size_t end = text.find('}');
  if (end == std::string_view::npos) return std::nullopt;
  const auto advice = advice_for(text::lower(text.substr(1, end - 1)), kOfCaddy, kFamiliesOfCaddy);
  if (!advice) return std::nullopt;
  return ForeignVariable{.text = std::string(text.substr(0, end + 1)), .advice = *advice};
}

}  // namespace

std::optional<ForeignVariable> find_foreign_variable(std::string_view text) {
  for (std::size_t at = text.find_first_of("${"); at != std::string_view::npos; at = text.find_first_of("${", at + 1)) {
    if (auto found = variable_at(text.substr(at))) return found;
  }
  return std::nullopt;
}

std::optional<std::string> translated_redirect(std::string_view target) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kOurs{{{"host", "{host}"},
                                                                                       {"http_host", "{host}"},
                                                                                       {"server_name", "{host}"},
                                                                                       {"request_uri", "{uri}"},
                                                                                       {"uri", "{uri}"},
                                                                                       {"document_uri", "{uri}"},
                                                                                       {"is_args", ""},
                                                                                       {"args", ""},
                                                                                       {"scheme", "https"}}};
  std::string out;
  while (!target.empty()) {
    const std::size_t dollar = target.find('$');
    out += target.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    target.remove_prefix(dollar);
    const std::string_view name = name_of(target);
    const auto ours = std::ranges::find(kOurs, name, &std::pair<std::string_view, std::string_view>::first);
    if (ours == kOurs.end()) return std::nullopt;
    out += ours->second;
    target.remove_prefix(name.size() + 1);
  }
  return out;
}

}  // namespace gatehouse::config
