#include "proxy/http/h1/h1_writer.h"

#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "proxy/http/char_classes.h"

namespace gatehouse::h1_writer {

namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kMostDigits = 20;

// What this writer says itself, or what must not cross a connection (RFC 9110 section 7.6.1).
bool is_ours(FieldName name) {
  switch (name) {
    case FieldName::kConnection:
    case FieldName::kContentLength:
    case FieldName::kHost:
    case FieldName::kKeepAlive:
    case FieldName::kProxyConnection:
    case FieldName::kTe:
    case FieldName::kTransferEncoding:
    case FieldName::kUpgrade:
      return true;
    default:
      return false;
  }
}

bool is_visible(std::string_view text) {
  for (const char c : text) {
    if (c <= 0x20 || c == 0x7f) return false;  // above 0x7f is negative: refused as well
  }
  return true;
}

// The names that we know are tokens.
bool is_safe(const Field& field) {
  const bool named = field.id != FieldName::kOther || char_classes::is_token(field.name);
  return named && !char_classes::has_control(field.value);
}

// These add up what fields take; false if one cannot be written.
bool measure(const Field& field, std::size_t& size) {
  if (!is_safe(field)) return false;
  size += field.name.size() + field.value.size() + 4;
  return true;
}
[[gnu::flatten]] bool measure(const FieldList& fields, std::size_t& size) {
  for (const Field field : fields) {
    if (!is_ours(field.id) && !measure(field, size)) return false;
  }
  return true;
}

// Puts pieces one after the other: straight into one run of the buffer if they fit there, else piece by piece.
class Output {
 public:
  Output(Buffer& out, std::size_t most) : out_(out) {
    if (most <= Buffer::kSlabSize) room_ = out.prepare(most).data();
    next_ = room_;
  }
  ~Output() {
    if (room_ != nullptr) out_.commit(static_cast<std::size_t>(next_ - room_));
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void put(std::string_view text) {
    if (room_ == nullptr) {
      out_.append(text);
    } else if (!text.empty()) {
      std::memcpy(next_, text.data(), text.size());
      next_ += text.size();
    }
  }
  void put_number(std::uint64_t value, int base = 10) {
    std::array<char, kMostDigits> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
    put({digits.data(), static_cast<std::size_t>(end - digits.data())});
  }
  void put_field(std::string_view name, std::string_view value) {
    put(name);
    put(": ");
    put(value);
    put(kLineEnd);
  }
  void put_fields(const FieldList& fields) {
    for (const Field field : fields) {
      if (!is_ours(field.id)) put_field(field.name, field.value);
    }
  }
  void put_fields_but(const FieldList& fields, FieldName unwanted) {
    for (const Field field : fields) {
      if (!is_ours(field.id) && field.id != unwanted) put_field(field.name, field.value);
    }
  }
  void put_length(std::uint64_t length) {
    put("Content-Length: ");
    put_number(length);
    put(kLineEnd);
  }

 private:
  Buffer& out_;
  char* room_ = nullptr;
  char* next_ = nullptr;
};

constexpr std::string_view kChunked = "Transfer-Encoding: chunked\r\n";
constexpr std::string_view kExpect = "Expect: 100-continue\r\n";
constexpr std::string_view kTrailersWelcome = "Connection: TE\r\nTE: trailers\r\n";
constexpr std::string_view kClose = "Connection: close\r\n";
constexpr std::string_view kKeepAlive = "Connection: keep-alive\r\n";
constexpr std::string_view kUpgrade = "Connection: Upgrade\r\n";
// Start line punctuation, Host, framing and connection fields together stay below this.
constexpr std::size_t kOverhead = 192;

// RFC 9110 section 8.6: a length is expected with these, even if it is zero.
bool anticipates_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

void put_upgrade(Output& output, std::string_view upgrade) {
  if (upgrade.empty()) return;
  output.put(kUpgrade);
  output.put_field("Upgrade", upgrade);
}

void put_response_framing(Output& output, const ResponseHead& head, const ResponseOptions& options) {
  if (head.is_interim() || head.opens_tunnel() || head.status == 204) return;
  const bool only_announced = options.to_head_request || head.status == 304;
  switch (head.body.kind) {
    case BodyLength::Kind::kKnown:
      output.put_length(head.body.bytes);
      break;
    case BodyLength::Kind::kUnknown:
      if (!only_announced && options.client != Protocol::kH10) output.put(kChunked);
      break;
    case BodyLength::Kind::kNone:
      if (!only_announced) output.put_length(0);
      break;
  }
}

}  // namespace

bool write_request_head(Buffer& out, const RequestHead& head, const RequestOverlay& overlay) {
  const std::string_view authority = overlay.authority.empty() ? head.authority : overlay.authority;
  const std::string_view target = overlay.target.empty() ? head.target : overlay.target;
  const Field extra{.id = FieldName::kOther, .name = overlay.extra_name, .value = overlay.extra_value};
  const Field type{
      .id = FieldName::kContentType, .name = canonical_text(FieldName::kContentType), .value = overlay.content_type};
  if (!char_classes::is_token(head.method)) return false;
  if (!overlay.upgrade.empty() && !char_classes::is_token(overlay.upgrade)) return false;
  if (target.empty() || !is_visible(target) || !is_visible(authority)) return false;
  std::size_t size = kOverhead + head.method.size() + target.size() + authority.size() + overlay.upgrade.size();
  if (!measure(head.fields, size)) return false;
  if (!extra.name.empty() && !measure(extra, size)) return false;
  if (!type.value.empty() && !measure(type, size)) return false;

  Output output(out, size);
  output.put(head.method);
  output.put(" ");
  output.put(target);
  output.put(" HTTP/1.1\r\n");
  output.put_field("Host", authority);
  if (type.value.empty()) {
    output.put_fields(head.fields);
  } else {
    output.put_fields_but(head.fields, type.id);
    output.put_field(type.name, type.value);
  }
  if (!extra.name.empty()) output.put_field(extra.name, extra.value);
  switch (head.body.kind) {
    case BodyLength::Kind::kKnown:
      output.put_length(head.body.bytes);
      break;
    case BodyLength::Kind::kUnknown:
      output.put(kChunked);
      break;
    case BodyLength::Kind::kNone:
      if (anticipates_body(head.method)) output.put_length(0);
      break;
  }
  if (overlay.expects_continue) output.put(kExpect);
  if (head.accepts_trailers) output.put(kTrailersWelcome);
  put_upgrade(output, overlay.upgrade);
  output.put(kLineEnd);
  return true;
}

bool write_response_head(Buffer& out, const ResponseHead& head, const ResponseOptions& options) {
  if (head.status < 100 || head.status > 999) return false;
  const std::string_view reason = head.reason.empty() ? reason_phrase(head.status) : std::string_view(head.reason);
  if (!head.reason.empty() && char_classes::has_control(reason)) return false;
  std::size_t size = kOverhead + reason.size() + options.upgrade.size();
  if (!measure(head.fields, size)) return false;

  Output output(out, size);
  output.put("HTTP/1.1 ");
  output.put_number(head.status);
  output.put(" ");
  output.put(reason);
  output.put(kLineEnd);
  output.put_fields(head.fields);
  put_response_framing(output, head, options);
  if (head.opens_tunnel()) {
    put_upgrade(output, options.upgrade);
  } else if (!head.is_interim()) {
    if (options.connection == Connection::kClose) {
      output.put(kClose);
    } else if (options.client == Protocol::kH10) {
      output.put(kKeepAlive);
    }
  }
  output.put(kLineEnd);
  return true;
}

void write_chunk(Buffer& out, Buffer&& body) {
  if (body.empty()) return;
  {
    Output output(out, kMostDigits + kLineEnd.size());
    output.put_number(body.size(), 16);
    output.put(kLineEnd);
  }
  out.append(std::move(body));
  out.append(kLineEnd);
}

void write_last_chunk(Buffer& out, const FieldList& trailers) {
  std::size_t size = 8;
  for (const Field field : trailers) size += field.name.size() + field.value.size() + 4;
  Output output(out, size);
  output.put("0\r\n");
  for (const Field field : trailers) {
    if (!is_ours(field.id) && is_safe(field)) output.put_field(field.name, field.value);
  }
  output.put(kLineEnd);
}

}  // namespace gatehouse::h1_writer
