#include "proxy/http/target.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/text.h"
#include "proxy/http/char_classes.h"

namespace gatehouse::target {

namespace {

constexpr std::size_t kLongestHost = 255;

// What becomes of a byte of a target that belongs to no escape.
namespace raw {
constexpr std::uint8_t kNever = 1;
constexpr std::uint8_t kNotInPaths = 2;
constexpr std::uint8_t kIsEscaped = 4;

consteval std::array<std::uint8_t, 256> table() {
  std::array<std::uint8_t, 256> all{};
  for (std::size_t byte = 0; byte < all.size(); ++byte) {
    if (byte <= 0x20 || byte == 0x7f || byte == '#') {
      all[byte] = kNever;
    } else if (byte == '\\') {
      all[byte] = kNotInPaths | kIsEscaped;
    } else if (byte != '?' && !char_classes::kPath[byte]) {
      all[byte] = kIsEscaped;
    }
  }
  return all;
}
constexpr std::array<std::uint8_t, 256> kTable = table();

std::uint8_t of(char c) {
  return kTable[static_cast<unsigned char>(c)];
}
// All of `text` together.
std::uint8_t of(std::string_view text) {
  unsigned all = 0;
  for (const char c : text) all |= of(c);
  return static_cast<std::uint8_t>(all);
}
}  // namespace raw

std::unexpected<Fault> malformed() {
  return std::unexpected(Fault::kMalformedRequest);
}
std::unexpected<Fault> unsafe() {
  return std::unexpected(Fault::kUnsafeTarget);
}

void append_escape(std::string& out, unsigned char byte) {
  static constexpr std::string_view kUpper = "0123456789ABCDEF";
  out += '%';
  out += kUpper[byte >> 4U];
  out += kUpper[byte & 0xfU];
}

// Only what cannot be in any path; the rest is for settle() to judge.
std::expected<bool, Fault> needs_escapes(std::string_view origin) {
  const std::size_t mark = origin.find('?');
  const std::uint8_t path = raw::of(origin.substr(0, mark));
  const std::uint8_t query = mark == std::string_view::npos ? std::uint8_t{0} : raw::of(origin.substr(mark));
  if (((path | query) & raw::kNever) != 0 || (path & raw::kNotInPaths) != 0) return unsafe();
  return ((path | query) & raw::kIsEscaped) != 0;
}

std::expected<Target, Fault> parse_origin(Target parsed) {
  const std::expected<bool, Fault> escapes = needs_escapes(parsed.origin);
  if (!escapes) return std::unexpected(escapes.error());
  parsed.needs_escapes = *escapes;
  return parsed;
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
  return parse_origin(std::move(parsed));
}

// A path with its structure in the open. Escapes of unreserved characters are decoded, and those of slashes,
// backslashes and dots, be they overlong, or encoded again and again ("%252f"); all others are left, in upper case.
class Unfolding {
 public:
  // False: there is no path that is safe to be made of it.
  bool add(std::string_view path);

  const std::string& text() const { return text_; }
  // Not every server would have come to this.
  bool ambiguous() const { return ambiguous_; }

 private:
  // Takes the byte, and those behind it that belong to it; returns how many characters of `from` that were.
  std::size_t take(std::string_view from);
  bool put(unsigned char byte);
  bool put_plain(char c);
  void note_deeper_escapes();

  std::string text_;
  bool ambiguous_ = false;
};

struct Decoded {
  std::string bytes;
  // Of each byte, where the next one begins.
  std::array<std::size_t, 6> ends{};
};

// The first bytes of `text` that are beyond ASCII: as many as an overlong character may have.
Decoded decoded_beyond_ascii(std::string_view text) {
  Decoded decoded;
  for (std::size_t at = 0; at < text.size() && decoded.bytes.size() < decoded.ends.size();) {
    const int escape = text::escaped_byte(text.substr(at));
    const auto byte = escape < 0 ? static_cast<unsigned char>(text[at]) : static_cast<unsigned char>(escape);
    if (byte < 0x80) break;
    at += escape < 0 ? 1 : 3;
    decoded.ends[decoded.bytes.size()] = at;
    decoded.bytes += static_cast<char>(byte);
  }
  return decoded;
}

bool Unfolding::add(std::string_view path) {
  text_.reserve(path.size());
  while (!path.empty()) {
    const std::size_t taken = take(path);
    if (taken == 0) return false;
    path.remove_prefix(taken);
  }
  note_deeper_escapes();
  return true;
}

std::size_t Unfolding::take(std::string_view from) {
  const char c = from.front();
  const std::uint8_t kind = raw::of(c);
  if ((kind & (raw::kNever | raw::kNotInPaths)) != 0 || c == '?') return 0;
  if (c != '%' && kind == 0) return put_plain(c) ? 1 : 0;
  const int escape = text::escaped_byte(from);
  if (c == '%' && (escape < 0x20 || escape == 0x7f)) return 0;  // broken, too
  const auto byte = c == '%' ? static_cast<unsigned char>(escape) : static_cast<unsigned char>(c);
  if (byte >= 0xc0) {
    const Decoded decoded = decoded_beyond_ascii(from);
    if (const auto found = overlong(decoded.bytes)) {
      ambiguous_ = true;
      if (found->character < 0x20 || found->character == 0x7f) return 0;
      const bool structural = std::string_view("./\\%").contains(static_cast<char>(found->character));
      if (structural) return put(found->character) ? decoded.ends[found->size - 1] : 0;
    }
  }
  if (!put(byte)) return 0;
  return c == '%' ? 3 : 1;
}

bool Unfolding::put(unsigned char byte) {
  const char c = static_cast<char>(byte);
  if (c == '/' || c == '\\') {
    ambiguous_ = true;
    text_ += '/';
    return true;
  }
  if (char_classes::in(char_classes::kUnreserved, c)) return put_plain(c);
  ambiguous_ = ambiguous_ || c == ';';
  append_escape(text_, byte);
  return true;
}

// The digits of an escape whose percent sign is encoded may be the last of what has come.
bool Unfolding::put_plain(char c) {
  static constexpr std::size_t kSize = std::string_view("%25XX").size();
  text_ += c;
  if (text_.size() < kSize || text::hex_value(c) < 0) return true;
  const std::string_view last = std::string_view(text_).substr(text_.size() - kSize);
  if (!last.starts_with("%25")) return true;
  const int byte = text::hex_value(last[3]) * 16 + text::hex_value(last[4]);
  if (text::hex_value(last[3]) < 0) return true;
  if (byte == 0) return false;
  if (!std::string_view("./\\%").contains(static_cast<char>(byte))) return true;
  ambiguous_ = true;
  text_.resize(text_.size() - kSize);
  return put(static_cast<unsigned char>(byte));
}

// What is left of them decodes to something that has no structure, but another name.
void Unfolding::note_deeper_escapes() {
  const std::string_view text = text_;
  for (std::size_t at = text.find("%25"); at != std::string_view::npos; at = text.find("%25", at + 3)) {
    const bool escape =
        at + 4 < text.size() && text::hex_value(text[at + 3]) >= 0 && text::hex_value(text[at + 4]) >= 0;
    ambiguous_ = ambiguous_ || escape;
  }
}

std::string canonical_name(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const int escape = text::escaped_byte(name.substr(i));
    append_canonical(out, escape < 0 ? static_cast<unsigned char>(name[i]) : static_cast<unsigned char>(escape));
    if (escape >= 0) i += 2;
  }
  return out;
}

enum class Form : std::uint8_t { kCanonical, kResolved };

// Walks the segments, keeping in `out` those that remain; `starts` are their places, for "..".
std::expected<Settled, Fault> walk(std::string_view path, Form form) {
  if (!path.starts_with('/')) return unsafe();
  Unfolding unfolding;
  if (!unfolding.add(path)) return unsafe();
  path = unfolding.text();
  Settled settled{.canonical = {}, .ambiguous = unfolding.ambiguous()};
  std::string& out = settled.canonical;
  out.reserve(path.size());
  std::vector<std::size_t> starts;
  bool at_directory = false;  // the last segment names nothing of its own: the path ends with a slash
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    const std::string_view name = segment.substr(0, segment.find(';'));
    begin = end + 1;
    at_directory = name.empty() || name == "." || name == "..";
    settled.ambiguous = settled.ambiguous || (at_directory && (!segment.empty() || end < path.size()));
    if (name == "..") {
      if (starts.empty()) return unsafe();
      out.resize(starts.back());
      starts.pop_back();
    } else if (!at_directory) {
      starts.push_back(out.size());
      out += '/';
      out += form == Form::kCanonical ? canonical_name(name) : std::string(segment);
    }
  }
  if (at_directory) out += '/';
  return settled;
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
  if (target.starts_with('/')) return parse_origin({.origin = std::string(target)});
  return parse_absolute(target, method);
}

std::string escaped(std::string_view origin) {
  std::string out;
  out.reserve(origin.size() + 16);
  for (const char c : origin) {
    if ((raw::of(c) & raw::kIsEscaped) != 0) {
      append_escape(out, static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::expected<Settled, Fault> settle(std::string_view path) {
  return walk(path, Form::kCanonical);
}

std::expected<std::string, Fault> canonical_path(std::string_view path) {
  return walk(path, Form::kCanonical).transform([](Settled settled) { return std::move(settled.canonical); });
}

std::expected<std::string, Fault> resolved_path(std::string_view path) {
  return walk(path, Form::kResolved).transform([](Settled settled) { return std::move(settled.canonical); });
}

void append_canonical(std::string& out, unsigned char byte) {
  if (char_classes::kPath[byte] && byte != '%' && byte != ';' && byte != '/') {
    out += static_cast<char>(byte);
  } else {
    append_escape(out, byte);
  }
}

std::optional<Overlong> overlong(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto lead = static_cast<unsigned char>(text.front());
  // Two bytes to six, which is what the first definition of UTF-8 had; 0xfe and 0xff begin nothing.
  const std::size_t size = lead >= 0xfe ? 0 : static_cast<std::size_t>(std::countl_one(lead));
  if (size < 2 || text.size() < size) return std::nullopt;
  std::uint32_t value = lead & (0x7fU >> size);
  for (const char c : text.substr(1, size - 1)) {
    const auto next = static_cast<unsigned char>(c);
    if ((next & 0xc0U) != 0x80U) return std::nullopt;
    value = value << 6U | (next & 0x3fU);
  }
  if (value >= 0x80) return std::nullopt;
  return Overlong{.character = static_cast<unsigned char>(value), .size = size};
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
  if (!port.empty() && port != ":") {
    if (port.front() != ':' || !is_port(port.substr(1))) return std::nullopt;
    normalised += port;
  }
  return normalised;
}

}  // namespace gatehouse::target
