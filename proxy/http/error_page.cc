#include "proxy/http/error_page.h"

#include <format>

#include "common/result.h"
#include "common/text.h"

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

// Those that pass by themselves. Zero: none of these.
std::chrono::seconds usual_retry_after(Fault fault) {
  switch (fault) {
    case Fault::kOutOfResources:
    case Fault::kNoHealthyEndpoint:
    case Fault::kQueueFull:
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
  const bool as_html = !given && text::lower(accept).contains("text/html");
  ErrorPage page;
  // A fault for which no answer is made still gives a page that could be sent: this function has no failure.
  page.head.status = row.status == 0 ? 500 : row.status;
  const std::string title = title_of(page.head.status);
  if (given) {
    page.body = details.body;
  } else {
    page.body = as_html ? html(title, row, request_id, details.cause) : plain(title, row, request_id, details.cause);
  }
  page.head.body = BodyLength::known(page.body.size());

  FieldList& fields = page.head.fields;
  const std::string_view own_type = as_html ? "text/html; charset=utf-8" : "text/plain; charset=utf-8";
  fields.add(FieldName::kContentType, given && !details.content_type.empty() ? details.content_type : own_type);
  fields.add(FieldName::kCacheControl, "no-store");
  fields.add("X-Content-Type-Options", "nosniff");
  if (as_html) fields.add("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  if (!row.proxy_status.empty()) {
    fields.add(FieldName::kProxyStatus, proxy_status(row, details));
  }
  const bool known = details.retry_after > std::chrono::seconds(0);
  const std::chrono::seconds retry_after = known ? details.retry_after : usual_retry_after(fault);
  if (retry_after > std::chrono::seconds(0)) fields.add(FieldName::kRetryAfter, std::to_string(retry_after.count()));
  // RFC 9110 section 15.5.6: what would have been allowed instead.
  if (row.status == 405) fields.add("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  return page;
}

}  // namespace gatehouse
