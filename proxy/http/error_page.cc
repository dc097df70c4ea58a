#include "proxy/http/error_page.h"

#include <array>
#include <format>

#include "common/result.h"
#include "common/text.h"
#include "proxy/http/accept.h"

namespace gatehouse {

namespace {

constexpr std::chrono::seconds kSoon{1};

constexpr std::string_view kStyle =
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;margin:0 2rem;"
    "background:#fff;color:#222}"
    "h1{font-size:1.4rem;margin:0}p{margin:.4rem 0}small{color:#666}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}small{color:#999}}";

std::string title_of(std::uint16_t status) {
  std::string title = std::to_string(status);
  const std::string_view phrase = reason_phrase(status);
  if (!phrase.empty()) title.append(" ").append(phrase);
  return title;
}

// A fault for which no answer is made still gives a page that could be sent: error_page() has no failure.
std::uint16_t status_of(const FaultRule& rule) {
  return rule.status == 0 ? 500 : rule.status;
}

// Those that pass by themselves. Zero: none of these.
std::chrono::seconds usual_retry_after(Fault fault) {
  switch (fault) {
    case Fault::kAuthQueueFull:
    case Fault::kOutOfResources:
    case Fault::kNoHealthyEndpoint:
    case Fault::kQueueFull:
    case Fault::kDrained:
    case Fault::kQueueTimeout:
      return kSoon;
    default:
      return std::chrono::seconds(0);
  }
}

// By which the line in the log is found.
std::string reference(const FaultRule& rule, std::string_view request_id) {
  std::string text(rule.label);
  if (!request_id.empty()) text.append(", request ").append(text::html_escaped(request_id));
  return text;
}

// What a page may be, in the order of preference of clients that take all: a person at a terminal reads text.
enum class Form : std::uint8_t { kText, kHtml, kProblem };

Form form_for(std::string_view accept) {
  static constexpr std::array<std::string_view, 4> kTypes = {"text/plain", "text/html", "application/problem+json",
                                                             "application/json"};
  const std::size_t type = preferred_type(accept, kTypes).value_or(0);
  return type < 2 ? static_cast<Form>(type) : Form::kProblem;
}

std::string_view content_type(Form form) {
  switch (form) {
    case Form::kHtml:
      return "text/html; charset=utf-8";
    case Form::kProblem:
      return "application/problem+json";
    case Form::kText:
      break;
  }
  return "text/plain; charset=utf-8";
}

std::string html(const std::string& title, const FaultRule& rule, std::string_view request_id, std::string_view cause) {
  std::string page = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">";
  page.append("<meta name=\"viewport\" content=\"width=device-width\"><title>").append(text::html_escaped(title));
  page.append("</title><style>").append(kStyle).append("</style></head>\n<body><h1>").append(text::html_escaped(title));
  page.append("</h1><p>").append(text::html_escaped(rule.explanation)).append("</p>");
  if (!cause.empty()) page.append("<pre>").append(text::html_escaped(cause)).append("</pre>");
  page.append("<p><small>").append(reference(rule, request_id)).append("</small></p>");
  return page.append("</body></html>\n");
}

std::string plain(const std::string& title, const FaultRule& rule, std::string_view request_id,
                  std::string_view cause) {
  std::string page = title;
  page.append("\n").append(rule.explanation).append("\n");
  if (!cause.empty()) page.append(cause).append("\n");
  return page.append(reference(rule, request_id)).append("\n");
}

// RFC 9457. There is no page that says more of a fault, so that `type` is left at its default and the title is the
// status's; `fault` is a member of our own.
std::string problem(const FaultRule& rule, std::string_view request_id, std::string_view cause) {
  const std::uint16_t status = status_of(rule);
  std::string page = "{\"type\":\"about:blank\"";
  const auto add = [&page](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    page.append(",\"").append(name).append("\":");
    text::append_json_string(page, value);
  };
  add("title", reason_phrase(status));
  page.append(",\"status\":").append(std::to_string(status));
  add("detail", rule.explanation);
  add("instance", request_id);
  add("fault", rule.label);
  add("cause", cause);
  return page.append("}\n");
}

std::string body_of(Form form, const FaultRule& rule, std::string_view request_id, std::string_view cause) {
  const std::uint16_t status = status_of(rule);
  switch (form) {
    case Form::kHtml:
      return html(title_of(status), rule, request_id, cause);
    case Form::kProblem:
      return problem(rule, request_id, cause);
    case Form::kText:
      break;
  }
  return plain(title_of(status), rule, request_id, cause);
}

// RFC 8941 section 3.3.3: printable ASCII, with two characters escaped. What else there is in it is left out.
std::string sf_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c < ' ' || c > '~') continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

// RFC 9209: the kind of error in its words, then the fault in ours and what happened.
std::string proxy_status(const FaultRule& rule, const FaultDetails& details) {
  std::string value = std::string("gatehouse; error=").append(rule.proxy_status);
  if (!details.next_hop.empty()) value.append("; next-hop=").append(sf_string(details.next_hop));
  std::string what = std::format("{}: {}", rule.label, rule.details);
  if (const std::string_view error = errno_name(details.error); !error.empty())
    what.append(std::format(" ({})", error));
  return value.append("; details=").append(sf_string(what));
}

}  // namespace

ErrorPage error_page(Fault fault, std::string_view accept, std::string_view request_id, const FaultDetails& details) {
  const FaultRule& row = rule(fault);
  const bool given = !details.body.empty();
  const Form form = given ? Form::kText : form_for(accept);
  ErrorPage page;
  page.head.status = status_of(row);
  page.body = given ? std::string(details.body) : body_of(form, row, request_id, details.cause);
  page.head.body = BodyLength::known(page.body.size());

  FieldList& fields = page.head.fields;
  fields.add(FieldName::kContentType,
             given && !details.content_type.empty() ? details.content_type : content_type(form));
  fields.add(FieldName::kCacheControl, "no-store");
  fields.add("X-Content-Type-Options", "nosniff");
  if (form == Form::kHtml) fields.add("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  if (!row.proxy_status.empty()) {
    fields.add(FieldName::kProxyStatus, proxy_status(row, details));
  }
  for (const std::string& challenge : details.challenges) fields.add(FieldName::kWwwAuthenticate, challenge);
  const bool known = details.retry_after > std::chrono::seconds(0);
  const std::chrono::seconds retry_after = known ? details.retry_after : usual_retry_after(fault);
  if (retry_after > std::chrono::seconds(0)) fields.add(FieldName::kRetryAfter, std::to_string(retry_after.count()));
  // RFC 9110 section 15.5.6: what would have been allowed instead.
  if (row.fault == Fault::kHandshakeInvalid) fields.add(FieldName::kSecWebSocketVersion, "13");  // RFC 6455 section 4.4
  if (row.status == 405) fields.add("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  return page;
}

}  // namespace gatehouse
