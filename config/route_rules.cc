#include "config/route_rules.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <format>
#include <vector>

#include "common/address.h"
#include "common/text.h"
#include "config/quoting.h"

namespace gatehouse::config {

namespace {

constexpr std::size_t kLongestHost = 253;
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kEscapeLength = 3;

bool is_unreserved(char c) {
  return text::is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}
bool is_visible_ascii(char c) {
  return c > ' ' && c < '\x7F';
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return text::is_letter_or_digit(c) || c == '-' || c == '_'; });
}

// The canonical form of one segment, or nothing if it has none. Only what is in the target module's canonical form too.
Result<std::string> canonical_segment(std::string_view segment) {
  std::string out;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const char c = segment[i];
    if (c == ';') break;
    if (c != '%') {
      if (!is_visible_ascii(c)) return failure("it has a byte that must be written as %XX");
      if (c == '\\') return failure("requests with a backslash are refused, so it cannot match");
      if (c == '?' || c == '#') return failure("routes match paths only; a query or fragment is no part of one");
      out += c;
      continue;
    }
    const int byte = text::escaped_byte(segment.substr(i));
    if (byte < 0) return failure("it has a \"%\" without two hexadecimal digits");
    const char decoded = static_cast<char>(byte);
    if (decoded == '/' || decoded == '\\' || decoded == '\0') {
      return failure("requests with an encoded slash, backslash or NUL are refused, so it cannot match");
    }
    out +=
        is_unreserved(decoded) ? std::string(1, decoded) : std::format("%{:02X}", static_cast<unsigned char>(decoded));
    i += kEscapeLength - 1;
  }
  return out;
}

Result<std::string> canonical_path(std::string_view path) {
  std::vector<std::string> segments;
  std::size_t at = 0;
  while (at != std::string_view::npos) {
    const std::size_t next = path.find('/', at + 1);
    auto segment = canonical_segment(path.substr(at + 1, next == std::string_view::npos ? next : next - at - 1));
    if (!segment) return segment;
    at = next;
    if (segment->empty() || *segment == ".") continue;
    if (*segment != "..") {
      segments.push_back(*std::move(segment));
    } else if (segments.empty()) {
      return failure("it leads above the root");
    } else {
      segments.pop_back();
    }
  }
  std::string out;
  for (const std::string& segment : segments) out += "/" + segment;
  return out.empty() ? "/" : out;
}

}  // namespace

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestHost) return false;
  while (true) {
    const std::size_t dot = name.find('.');
    if (!is_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

Result<std::string> normalised_host(std::string_view text) {
  if (text == "*") return failure(R"("*" is no host; leave "hosts" out to match any)");
  const bool wildcard = text.starts_with("*.");
  const std::string_view name = wildcard ? text.substr(2) : text;
  if (name.contains('*')) return failure(std::format(R"({} has a "*" that is not a leading "*.")", in_quotes(text)));
  if (!std::ranges::all_of(name, is_visible_ascii)) {
    return failure(
        std::format("{} is no host name; write names that are not ASCII in their \"xn--\" form", in_quotes(text)));
  }
  if (name.ends_with('.') && name.size() > 1) {
    return failure(std::format("{} ends in a dot; write it without", in_quotes(text)));
  }
  if (is_host_name(name)) return text::lower(text);
  // Brackets are for IPv6 alone, and Address knows those only with a port.
  if (!wildcard && name.starts_with('[') && name.ends_with(']') && Address::parse(std::string(name) + ":1")) {
    return text::lower(text);
  }
  if (const std::size_t colon = name.find(':');
      colon != std::string_view::npos && text::parse_decimal(name.substr(colon + 1))) {
    return failure(std::format("{} has a port; routes match the host alone", in_quotes(text)));
  }
  return failure(std::format(R"({} is no host name; write "shop.example.com" or "*.example.com")", in_quotes(text)));
}

Result<> check_path(std::string_view path) {
  if (!path.starts_with('/')) return failure(std::format("{} must start with \"/\"", in_quotes(path)));
  const auto canonical = canonical_path(path);
  if (!canonical) return failure(std::format("{} is no path to match: {}", in_quotes(path), canonical.error().message));
  if (*canonical == path) return {};
  return failure(
      std::format("{} is not the form that requests are matched in; write {}", in_quotes(path), in_quotes(*canonical)));
}

Result<> check_redirect_target(std::string_view target) {
  if (!std::ranges::all_of(target, is_visible_ascii)) {
    return failure(std::format("{} has a space, control or non-ASCII byte; write it as %XX", in_quotes(target)));
  }
  std::string_view rest = target;
  for (std::size_t at = rest.find_first_of("{}"); at != std::string_view::npos; at = rest.find_first_of("{}")) {
    rest.remove_prefix(at);
    const std::string_view placeholder =
        rest.substr(0, rest.find('}') == std::string_view::npos ? 1 : rest.find('}') + 1);
    if (placeholder != "{uri}" && placeholder != "{host}") {
      return failure(std::format(R"({} has {}; the placeholders are "{{uri}}" and "{{host}}")", in_quotes(target),
                                 in_quotes(placeholder)));
    }
    rest.remove_prefix(placeholder.size());
  }
  const bool is_url =
      (target.starts_with("https://") && target.size() > 8) || (target.starts_with("http://") && target.size() > 7);
  const bool is_local_path = (target.starts_with('/') && !target.starts_with("//")) || target.starts_with("{uri}");
  if (is_url || is_local_path) return {};
  return failure(std::format(R"({} must start with "https://", "http://" or "/")", in_quotes(target)));
}

bool is_token(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return text::is_letter_or_digit(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
  });
}

Result<> check_header_name(std::string_view name, Edit edit) {
  static constexpr std::array<std::string_view, 10> kOfTheConnection{
      "connection", "content-length",    "expect", "http2-settings", "keep-alive", "proxy-connection", "te",
      "trailer",    "transfer-encoding", "upgrade"};
  if (!is_token(name)) {
    return failure(std::format("{} is no header name; it has letters, digits and \"-\"", in_quotes(name)));
  }
  const std::string lower = text::lower(name);
  const std::string_view verb = edit == Edit::kSet ? "set" : "removed";
  if (lower == "host") return failure(std::format("\"Host\" cannot be {} here; see \"preserve_host\"", verb));
  if (lower == "alt-svc")
    return failure(std::format("\"Alt-Svc\" cannot be {} here; see \"alt_svc\" of the listener", verb));
  if (std::ranges::contains(kOfTheConnection, lower)) {
    return failure(
        std::format("{} cannot be {}: it belongs to the connection and the framing of messages, which are ours",
                    in_quotes(name), verb));
  }
  return {};
}

Result<> check_header_value(std::string_view value) {
  const auto is_bad = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7F'; };
  if (std::ranges::any_of(value, is_bad)) {
    return failure(std::format("{} is no header value: it has a control character", in_quotes(value)));
  }
  if (text::trim(value) != value) {
    return failure(std::format("{} is no header value: it begins or ends with a space", in_quotes(value)));
  }
  return {};
}

}  // namespace gatehouse::config
