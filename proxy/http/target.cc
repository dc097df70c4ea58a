#include "proxy/http/target.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "common/text.h"
#include "proxy/http/char_classes.h"

namespace gatehouse::target {

namespace {

constexpr char_classes::Table kQuery = char_classes::table_of("-._~!$&'()*+,;=:@/?%{}|^`\\[]", true);
constexpr std::size_t kLongestHost = 255;

std::unexpected<Fault> malformed() {
  return std::unexpected(Fault::kMalformedRequest);
}
std::unexpected<Fault> unsafe() {
  return std::unexpected(Fault::kUnsafeTarget);
}

// Path characters are canonical_path's to judge, but for those that cannot be in a request line at all.
bool is_origin_form(std::string_view target) {
  if (!target.starts_with('/')) return false;
  const std::size_t mark = target.find('?');
  for (const char c : target.substr(0, mark)) {
    if (c <= 0x20 || c == 0x7f || c == '#') return false;
  }
  return mark == std::string_view::npos || char_classes::all_in(kQuery, target.substr(mark));
}

std::expected<Target, Fault> parse_absolute(std::string_view target, std::string_view method) {
  const std::size_t colon = target.find("://");
  if (colon == std::string_view::npos) return malformed();
  Target parsed{.scheme = text::lower(target.substr(0, colon))};
  if (parsed.scheme != "http" && parsed.scheme != "https") return malformed();
  const std::string_view rest = target.substr(colon + 3);
  const std::size_t end = rest.find_first_of("/?#");
  parsed.authority = rest.substr(0, end);
  if (parsed.authority.empty()) return malformed();
  if (end == std::string_view::npos) {
    parsed.origin = method == "OPTIONS" ? "*" : "/";  // RFC 9112 section 3.2.4
    return parsed;
  }
  if (rest[end] == '?') parsed.origin = "/";
  parsed.origin += rest.substr(end);
  if (!is_origin_form(parsed.origin)) return malformed();
  return parsed;
}

// Escapes that some decoders turn into a separator, an end or another character than the one they stand for.
bool is_dangerous(int byte, std::string_view following) {
  if (byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\') return true;
  // RFC 3629 section 10: overlong forms.
  if (byte == 0xc0 || byte == 0xc1) return true;
  const int next = text::escaped_byte(following);
  return (byte == 0xe0 && next >= 0x80 && next < 0xa0) || (byte == 0xf0 && next >= 0x80 && next < 0x90);
}

// Adds one segment in canonical form to `out`. False if it has none.
bool append_canonical(std::string& out, std::string_view segment) {
  static constexpr std::string_view kUpper = "0123456789ABCDEF";
  bool in_parameters = false;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const char c = segment[i];
    if (!char_classes::in(char_classes::kPath, c)) return false;
    if (c != '%') {
      in_parameters = in_parameters || c == ';';
      if (!in_parameters) out += c;
      continue;
    }
    const int byte = text::escaped_byte(segment.substr(i));
    if (byte < 0 || is_dangerous(byte, segment.substr(i + 3))) return false;
    i += 2;
    if (in_parameters) continue;
    if (char_classes::in(char_classes::kUnreserved, static_cast<char>(byte))) {
      out += static_cast<char>(byte);
    } else {
      out += '%';
      out += kUpper[static_cast<std::size_t>(byte) >> 4];
      out += kUpper[static_cast<std::size_t>(byte) & 0xf];
    }
  }
  return true;
}

enum class Form { kCanonical, kResolved };

// Walks the segments, keeping in `out` those that remain; `starts` are their places, for "..".
std::expected<std::string, Fault> walk(std::string_view path, Form form) {
  if (!path.starts_with('/')) return unsafe();
  std::string out;
  out.reserve(path.size());
  std::vector<std::size_t> starts;
  std::string canonical;
  bool at_directory = false;  // the last segment names nothing of its own: the path ends with a slash
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    begin = end + 1;
    canonical.clear();
    if (!append_canonical(canonical, segment)) return unsafe();
    at_directory = canonical.empty() || canonical == "." || canonical == "..";
    if (canonical == "..") {
      if (starts.empty()) return unsafe();
      out.resize(starts.back());
      starts.pop_back();
    } else if (!at_directory) {
      starts.push_back(out.size());
      out += '/';
      out += form == Form::kCanonical ? std::string_view(canonical) : segment;
    }
  }
  if (at_directory) out += '/';
  return out;
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && text.size() <= 5 && text.front() != '0' &&
         port <= 65535;
}

bool is_ipv6(std::string_view text) {
  // Also keeps zones out, and NUL, behind which inet_pton would not look.
  constexpr char_classes::Table kDigits = char_classes::table_of("0123456789abcdefABCDEF:.", false);
  in6_addr address;
  return char_classes::all_in(kDigits, text) && ::inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > kLongestHost || host.front() == '.' || host.back() == '.') return false;
  return char_classes::all_in(char_classes::kHostName, host) && host.find("..") == std::string_view::npos;
}

}  // namespace

std::expected<Target, Fault> parse(std::string_view target, std::string_view method) {
  if (method == "CONNECT") return std::unexpected(Fault::kMethodNotAllowed);
  if (target == "*") {
    if (method != "OPTIONS") return malformed();
    return Target{.origin = "*"};
  }
  if (is_origin_form(target)) return Target{.origin = std::string(target)};
  if (target.starts_with('/')) return malformed();
  return parse_absolute(target, method);
}

std::expected<std::string, Fault> canonical_path(std::string_view path) {
  return walk(path, Form::kCanonical);
}

std::expected<std::string, Fault> resolved_path(std::string_view path) {
  return walk(path, Form::kResolved);
}

bool is_canonical(std::string_view path) {
  if (!path.starts_with('/')) return false;
  char previous = 0;
  for (const char c : path) {
    if (!char_classes::in(char_classes::kPath, c) || c == '%' || c == ';') return false;
    // Segments that begin with a dot are rare enough to be left to the walk.
    if (previous == '/' && (c == '/' || c == '.')) return false;
    previous = c;
  }
  return true;
}

std::optional<std::string> normalised_authority(std::string_view authority) {
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos || !is_ipv6(authority.substr(1, close - 1))) return std::nullopt;
    host = authority.substr(0, close + 1);
    port = authority.substr(close + 1);
  } else {
    const std::size_t colon = authority.find(':');
    host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
    if (host.ends_with('.')) host.remove_suffix(1);
    if (!is_host_name(host)) return std::nullopt;
  }
  std::string normalised = text::lower(host);
  if (!port.empty()) {
    if (port.size() < 2 || port.front() != ':' || !is_port(port.substr(1))) return std::nullopt;
    normalised += port;
  }
  return normalised;
}

}  // namespace gatehouse::target
