#include "proxy/observe/access_record.h"

#include <utility>

#include "common/event_loop.h"
#include "common/result.h"
#include "common/version.h"
#include "proxy/http/client_info.h"
#include "proxy/http/exchange/exchange.h"
#include "proxy/observe/short_line.h"

namespace gatehouse {
namespace {

using log_text::append_escaped;
using log_text::append_milliseconds;
using log_text::append_number;
using log_text::Style;

// Writes members of one JSON object.
class JsonLine {
 public:
  explicit JsonLine(std::string& out) : out_(out) {}

  std::string& key(std::string_view name) {
    out_ += first_ ? "{\"" : ",\"";
    first_ = false;
    out_ += name;
    out_ += "\":";
    return out_;
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    if (value.empty()) {
      out_ += "null";
      return;
    }
    out_ += '"';
    append_escaped(out_, value, Style::kJson);
    out_ += '"';
  }
  void texts(std::string_view name, const std::vector<std::string>& values) {
    key(name);
    char before = '[';
    for (const std::string& value : values) {
      out_ += std::exchange(before, ',');
      out_ += '"';
      append_escaped(out_, value, Style::kJson);
      out_ += '"';
    }
    out_ += ']';
  }
  void number(std::string_view name, std::optional<std::uint64_t> value) {
    key(name);
    value ? append_number(out_, *value) : void(out_ += "null");
  }
  void milliseconds(std::string_view name, std::optional<Duration> value) {
    key(name);
    value ? append_milliseconds(out_, *value) : void(out_ += "null");
  }

 private:
  std::string& out_;
  bool first_ = true;
};

std::vector<std::string> delegators_of(const ExchangeRecord& record) {
  std::vector<std::string> endpoints;
  for (const Delegation& each : record.delegations) {
    if (each.result != Delegation::Result::kHandedOver) continue;  // that endpoint is the last one
    endpoints.push_back(std::string(each.upstream) + "/" + each.endpoint);
  }
  return endpoints;
}

std::optional<std::uint64_t> status_of(const AccessRecord& record) {
  return record.status == 0 ? std::nullopt : std::optional<std::uint64_t>(record.status);
}

void append_json(std::string& out, const AccessRecord& record, log_text::LogTime& times) {
  JsonLine line(out);
  line.key("time") += '"';
  times.append_iso(out, record.time);
  out += '"';
  line.text("id", record.id);
  line.text("client", record.client);
  line.text("listener", record.listener);
  line.text("protocol", label(record.protocol));
  line.text("tls", record.tls);
  line.text("tls_client", record.tls_client);
  line.text("user", record.user);
  line.text("method", record.method);
  line.text("scheme", record.scheme);
  line.text("host", record.host);
  line.text("path", record.path);
  line.text("query", record.query);
  line.number("status", status_of(record));
  line.text("fault", record.fault);
  line.text("error", record.error);
  line.text("route", record.route);
  line.text("upstream", record.upstream);
  line.text("endpoint", record.endpoint);
  if (!record.delegated_by.empty()) line.texts("delegated_by", record.delegated_by);
  line.number("app_pid", record.app_pid);
  line.number("attempts", record.attempts);
  line.key("upstream_reused") += record.upstream_reused ? "true" : "false";
  line.text("cache", record.cache);
  line.number("bytes_in", record.bytes_in);
  line.number("bytes_out", record.bytes_out);
  line.milliseconds("duration_ms", record.duration);
  line.milliseconds("queue_ms", record.queued);
  line.milliseconds("connect_ms", record.connected);
  line.milliseconds("first_byte_ms", record.first_byte);
  line.text("referer", record.referer);
  line.text("user_agent", record.user_agent);
  if (record.proxied != nullptr) {
    line.text("proxy", record.proxied->proxy.host());
    line.text("proxy_authority", record.proxied->authority);
    line.text("proxy_alpn", record.proxied->alpn);
    line.text("proxy_unique_id", record.proxied->unique_id);
  }
  out += "}\n";
}

void append_quoted(std::string& out, std::string_view value) {
  out += " \"";
  value.empty() ? void(out += '-') : append_escaped(out, value, Style::kQuoted);
  out += '"';
}

void append_combined(std::string& out, const AccessRecord& record, log_text::LogTime& times) {
  record.client.empty() ? void(out += '-') : append_escaped(out, record.client, Style::kWord);
  out += " - ";
  record.user.empty() ? void(out += '-') : append_escaped(out, record.user, Style::kWord);
  out += " [";
  times.append_combined(out, record.time);
  out += "] \"";
  if (record.method.empty()) {
    out += '-';
  } else {
    append_escaped(out, record.method, Style::kQuoted);
    out += ' ';
    append_escaped(out, record.path, Style::kQuoted);
    if (!record.query.empty()) {
      out += '?';
      append_escaped(out, record.query, Style::kQuoted);
    }
    out += ' ';
    out += version_text(record.protocol);
  }
  out += "\" ";
  record.status == 0 ? void(out += '-') : append_number(out, record.status);
  out += ' ';
  record.bytes_out == 0 ? void(out += '-') : append_number(out, record.bytes_out);
  append_quoted(out, record.referer);
  append_quoted(out, record.user_agent);
  out += '\n';
}

// The order of append_w3c(). x- marks what the format has no name for; time-taken is in milliseconds, as IIS has it.
constexpr std::string_view kW3cFields =
    "date time x-id c-ip x-listener cs-version x-tls x-tls-client cs-username cs-method x-scheme cs-host cs-uri-stem "
    "cs-uri-query "
    "sc-status "
    "x-fault x-error x-route x-upstream x-endpoint x-app-pid x-attempts x-upstream-reused x-cache cs-bytes sc-bytes "
    "time-taken x-queue-ms x-connect-ms x-first-byte-ms cs(Referer) cs(User-Agent)";

void append_word(std::string& out, std::string_view value) {
  out += ' ';
  value.empty() ? void(out += '-') : append_escaped(out, value, Style::kWord);
}

void append_word(std::string& out, std::optional<std::uint64_t> value) {
  out += ' ';
  value ? append_number(out, *value) : void(out += '-');
}

void append_word(std::string& out, std::optional<Duration> value) {
  out += ' ';
  value ? append_milliseconds(out, *value) : void(out += '-');
}

void append_w3c(std::string& out, const AccessRecord& record, log_text::LogTime& times) {
  times.append_w3c(out, record.time);
  append_word(out, record.id);
  append_word(out, record.client);
  append_word(out, record.listener);
  append_word(out, version_text(record.protocol));
  append_word(out, record.tls);
  append_word(out, record.tls_client);
  append_word(out, record.user);
  append_word(out, record.method);
  append_word(out, record.scheme);
  append_word(out, record.host);
  append_word(out, record.path);
  append_word(out, record.query);
  append_word(out, status_of(record));
  append_word(out, record.fault);
  append_word(out, record.error);
  append_word(out, record.route);
  append_word(out, record.upstream);
  append_word(out, record.endpoint);
  append_word(out, record.app_pid);
  append_word(out, std::optional<std::uint64_t>(record.attempts));
  append_word(out, record.upstream_reused ? "true" : "false");
  append_word(out, record.cache);
  append_word(out, std::optional(record.bytes_in));
  append_word(out, std::optional(record.bytes_out));
  append_word(out, std::optional<std::uint64_t>(
                       std::chrono::duration_cast<std::chrono::milliseconds>(record.duration).count()));
  append_word(out, record.queued);
  append_word(out, record.connected);
  append_word(out, record.first_byte);
  append_word(out, record.referer);
  append_word(out, record.user_agent);
  out += '\n';
}

}  // namespace

AccessRecord AccessRecord::of(const Exchange& exchange) {
  const RequestHead& request = exchange.request();
  const ClientInfo& client = exchange.client();
  const ExchangeRecord& ended = exchange.record();
  return {
      .time = ended.started_wall,
      .id = ended.request_id,
      .client = client.origin().host(),
      .listener = client.listener ? std::string_view(client.listener->name) : std::string_view(),
      .protocol = client.protocol,
      .tls = client.tls ? client.tls->version : std::string_view(),
      .tls_client = client.tls && client.tls->certificate ? std::string_view(client.tls->certificate->subject)
                                                          : std::string_view(),
      .user = ended.user,
      .method = request.method,
      .scheme = request.secure ? "https" : "http",
      .host = request.authority,
      .path = request.path(),
      .query = request.query(),
      .status = ended.status,
      .fault = ended.fault ? rule(*ended.fault).label : std::string_view(),
      .error = errno_name(ended.error),
      .route = ended.route,
      .upstream = ended.upstream,
      .endpoint = ended.endpoint,
      .delegated_by = delegators_of(ended),
      .app_pid = ended.app_pid != 0 ? std::optional(static_cast<std::uint64_t>(ended.app_pid)) : std::nullopt,
      .attempts = ended.attempts,
      .upstream_reused = ended.upstream_reused,
      .cache = label(ended.cache),
      .bytes_in = exchange.bytes_in(),
      .bytes_out = exchange.bytes_out(),
      .duration = exchange.loop().now() - ended.started,
      .queued = ended.queued,
      .connected = ended.connected,
      .first_byte = ended.first_byte,
      .referer = request.fields.find(FieldName::kReferer).value_or(""),
      .user_agent = request.fields.find(FieldName::kUserAgent).value_or(""),
      .proxied = client.proxied.get(),
  };
}

void append_line(std::string& out, const AccessRecord& record, const LineStyle& style, log_text::LogTime& times) {
  switch (style.format) {
    case AccessLogFormat::kAuto:
    case AccessLogFormat::kJson:
      return append_json(out, record, times);
    case AccessLogFormat::kCombined:
      return append_combined(out, record, times);
    case AccessLogFormat::kW3c:
      return append_w3c(out, record, times);
    case AccessLogFormat::kShort:
      return append_short_line(out, record, style, times);
  }
}

std::string w3c_directives() {
  std::string text = "#Version: 1.0\n#Software: Gatehouse ";
  text += kProgramVersion;
  text += "\n#Fields: ";
  text += kW3cFields;
  text += '\n';
  return text;
}

}  // namespace gatehouse
