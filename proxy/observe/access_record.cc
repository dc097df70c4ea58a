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

using log_text::LineWriter;
using log_text::Style;

// Writes one JSON object: the key of each member with all that stands before its value, and then the value.
class JsonLine {
 public:
  explicit JsonLine(std::string& out) : line_(out) {}

  JsonLine& key(std::string_view literal) {
    line_.put(literal);
    return *this;
  }
  void text(std::string_view value) { value.empty() ? null() : string(value); }
  void texts(const std::vector<std::string>& values) {
    char before = '[';
    for (const std::string& value : values) {
      line_.put(std::exchange(before, ','));
      string(value);
    }
    line_.put(']');
  }
  void number(std::optional<std::uint64_t> value) { value ? line_.put_number(*value) : null(); }
  void milliseconds(std::optional<Duration> value) { value ? line_.put_milliseconds(*value) : null(); }
  void boolean(bool value) { line_.put(value ? "true" : "false"); }
  void end() { line_.put("}\n"); }

 private:
  void null() { line_.put("null"); }
  void string(std::string_view value) {
    line_.put('"');
    line_.put_escaped(value, Style::kJson);
    line_.put('"');
  }

  LineWriter line_;
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
  line.key(R"({"time":)").text(times.iso(record.time));
  line.key(R"(,"id":)").text(record.id);
  line.key(R"(,"client":)").text(record.client);
  line.key(R"(,"listener":)").text(record.listener);
  line.key(R"(,"protocol":)").text(label(record.protocol));
  line.key(R"(,"tls":)").text(record.tls);
  line.key(R"(,"tls_client":)").text(record.tls_client);
  line.key(R"(,"user":)").text(record.user);
  line.key(R"(,"method":)").text(record.method);
  line.key(R"(,"scheme":)").text(record.scheme);
  line.key(R"(,"host":)").text(record.host);
  line.key(R"(,"path":)").text(record.path);
  line.key(R"(,"query":)").text(record.query);
  line.key(R"(,"status":)").number(status_of(record));
  line.key(R"(,"fault":)").text(record.fault);
  line.key(R"(,"error":)").text(record.error);
  line.key(R"(,"route":)").text(record.route);
  line.key(R"(,"upstream":)").text(record.upstream);
  line.key(R"(,"endpoint":)").text(record.endpoint);
  if (!record.delegated_by.empty()) line.key(R"(,"delegated_by":)").texts(record.delegated_by);
  line.key(R"(,"app_pid":)").number(record.app_pid);
  line.key(R"(,"attempts":)").number(record.attempts);
  line.key(R"(,"upstream_reused":)").boolean(record.upstream_reused);
  line.key(R"(,"cache":)").text(record.cache);
  line.key(R"(,"bytes_in":)").number(record.bytes_in);
  line.key(R"(,"bytes_out":)").number(record.bytes_out);
  line.key(R"(,"duration_ms":)").milliseconds(record.duration);
  line.key(R"(,"queue_ms":)").milliseconds(record.queued);
  line.key(R"(,"connect_ms":)").milliseconds(record.connected);
  line.key(R"(,"first_byte_ms":)").milliseconds(record.first_byte);
  line.key(R"(,"referer":)").text(record.referer);
  line.key(R"(,"user_agent":)").text(record.user_agent);
  if (record.proxied != nullptr) {
    line.key(R"(,"proxy":)").text(record.proxied->proxy.host());
    line.key(R"(,"proxy_authority":)").text(record.proxied->authority);
    line.key(R"(,"proxy_alpn":)").text(record.proxied->alpn);
    line.key(R"(,"proxy_unique_id":)").text(record.proxied->unique_id);
  }
  line.end();
}

void append_quoted(LineWriter& line, std::string_view value) {
  line.put(" \"");
  value.empty() ? line.put('-') : line.put_escaped(value, Style::kQuoted);
  line.put('"');
}

void append_combined(std::string& out, const AccessRecord& record, log_text::LogTime& times) {
  LineWriter line(out);
  record.client.empty() ? line.put('-') : line.put_escaped(record.client, Style::kWord);
  line.put(" - ");
  record.user.empty() ? line.put('-') : line.put_escaped(record.user, Style::kWord);
  line.put(" [");
  line.put(times.combined(record.time));
  line.put("] \"");
  if (record.method.empty()) {
    line.put('-');
  } else {
    line.put_escaped(record.method, Style::kQuoted);
    line.put(' ');
    line.put_escaped(record.path, Style::kQuoted);
    if (!record.query.empty()) {
      line.put('?');
      line.put_escaped(record.query, Style::kQuoted);
    }
    line.put(' ');
    line.put(version_text(record.protocol));
  }
  line.put("\" ");
  record.status == 0 ? line.put('-') : line.put_number(record.status);
  line.put(' ');
  record.bytes_out == 0 ? line.put('-') : line.put_number(record.bytes_out);
  append_quoted(line, record.referer);
  append_quoted(line, record.user_agent);
  line.put('\n');
}

// The order of append_w3c(). x- marks what the format has no name for; time-taken is in milliseconds, as IIS has it.
constexpr std::string_view kW3cFields =
    "date time x-id c-ip x-listener cs-version x-tls x-tls-client cs-username cs-method x-scheme cs-host cs-uri-stem "
    "cs-uri-query "
    "sc-status "
    "x-fault x-error x-route x-upstream x-endpoint x-app-pid x-attempts x-upstream-reused x-cache cs-bytes sc-bytes "
    "time-taken x-queue-ms x-connect-ms x-first-byte-ms cs(Referer) cs(User-Agent)";

void append_word(LineWriter& line, std::string_view value) {
  line.put(' ');
  value.empty() ? line.put('-') : line.put_escaped(value, Style::kWord);
}

void append_word(LineWriter& line, std::optional<std::uint64_t> value) {
  line.put(' ');
  value ? line.put_number(*value) : line.put('-');
}

void append_word(LineWriter& line, std::optional<Duration> value) {
  line.put(' ');
  value ? line.put_milliseconds(*value) : line.put('-');
}

void append_w3c(std::string& out, const AccessRecord& record, log_text::LogTime& times) {
  LineWriter line(out);
  line.put(times.w3c(record.time));
  append_word(line, record.id);
  append_word(line, record.client);
  append_word(line, record.listener);
  append_word(line, version_text(record.protocol));
  append_word(line, record.tls);
  append_word(line, record.tls_client);
  append_word(line, record.user);
  append_word(line, record.method);
  append_word(line, record.scheme);
  append_word(line, record.host);
  append_word(line, record.path);
  append_word(line, record.query);
  append_word(line, status_of(record));
  append_word(line, record.fault);
  append_word(line, record.error);
  append_word(line, record.route);
  append_word(line, record.upstream);
  append_word(line, record.endpoint);
  append_word(line, record.app_pid);
  append_word(line, std::optional<std::uint64_t>(record.attempts));
  append_word(line, record.upstream_reused ? "true" : "false");
  append_word(line, record.cache);
  append_word(line, std::optional(record.bytes_in));
  append_word(line, std::optional(record.bytes_out));
  append_word(line, std::optional<std::uint64_t>(
                        std::chrono::duration_cast<std::chrono::milliseconds>(record.duration).count()));
  append_word(line, record.queued);
  append_word(line, record.connected);
  append_word(line, record.first_byte);
  append_word(line, record.referer);
  append_word(line, record.user_agent);
  line.put('\n');
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
