#include "config/route_rules.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <format>
#include <optional>
#include <vector>

#include "common/address.h"
#include "common/text.h"
#include "config/foreign_variables.h"
#include "config/policy/request_forms.h"
#include "config/quoting.h"

namespace gatehouse::config {

namespace {

bool is_visible_ascii(char c) {
  return c > ' ' && c < '\x7F';
}

// "*" or what ends in it, "(.*)" and "{id}" are patterns of other servers. Nobody means them to be in a path.
bool is_pattern(std::string_view segment) {
  const std::size_t brace = segment.find('{');
  return segment.ends_with('*') || segment.contains(".*") || segment.contains("*)") ||
         (brace != std::string_view::npos && segment.find('}', brace) != std::string_view::npos);
}

// The whole segments before the first one that is a pattern; nothing if none is.
std::optional<std::string_view> part_before_pattern(std::string_view path) {
  for (std::size_t at = 0; at != std::string_view::npos;) {
    const std::size_t next = path.find('/', at + 1);
    if (is_pattern(path.substr(at + 1, next == std::string_view::npos ? next : next - at - 1))) {
      return at == 0 ? "/" : path.substr(0, at);
    }
    at = next;
  }
  return std::nullopt;
}

// A variable that reaches a client as it stands leads nowhere.
Result<> check_redirect_variables(std::string_view target) {
  const auto variable = find_foreign_variable(target);
  if (!variable || !variable->text.starts_with('$')) return {};
  const auto ours = translated_redirect(target);
  return failure(
      std::format(R"({} has {}; {})", in_quotes(target), in_quotes(variable->text),
                  ours ? std::format("write {}", in_quotes(*ours)) : R"(the placeholders are "{uri}" and "{host}")"));
}

}  // namespace

Result<std::string> normalised_host(std::string_view text) {
  if (text == "*") return failure(R"("*" is no host; leave "hosts" out to match any)");
  if (text == "_") return failure(R"("_" is how nginx names any host; leave "hosts" out to match any)");
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
  if (const auto fixed = part_before_pattern(path)) {
    return failure(std::format("{} has a pattern, and there are none: write {}, which is for all that is below it too",
                               in_quotes(path), in_quotes(*fixed)));
  }
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
  if (auto checked = check_redirect_variables(target); !checked) return checked;
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

namespace {

// What other servers call parts of a request, or of a pattern: "$uri", "$1", "\\1".
std::string_view foreign_variable(std::string_view text) {
  const std::size_t at = text.find_first_of("$\\");
  if (at == std::string_view::npos) return {};
  std::size_t end = at + 1;
  while (end < text.size() && (text::is_letter_or_digit(text[end]) || text[end] == '_')) ++end;
  return end > at + 1 ? text.substr(at, end - at) : std::string_view();
}

bool is_path_of_segments(std::string_view path) {
  for (std::size_t at = 0; at != std::string_view::npos;) {
    const std::size_t next = path.find('/', at + 1);
    const std::string_view segment = path.substr(at + 1, next == std::string_view::npos ? next : next - at - 1);
    const bool is_last = next == std::string_view::npos;
    const auto canonical = canonical_segment(segment);
    if (!canonical || *canonical != segment || segment == "." || segment == "..") return false;
    if (segment.empty() && !is_last) return false;
    at = next;
  }
  return true;
}

}  // namespace

Result<> check_rewrite(std::string_view text) {
  constexpr std::string_view kPath = "{path}";
  if (const std::string_view variable = foreign_variable(text); !variable.empty()) {
    return failure(std::format(
        R"({} has {}, but there are no variables and no patterns: "{{path}}" stands for the client's path, without what "strip_prefix" takes off)",
        in_quotes(text), in_quotes(variable)));
  }
  const std::size_t at = text.find(kPath);
  const bool has_path = at != std::string_view::npos;
  std::string literal(text);
  if (has_path) literal.erase(at, kPath.size());
  if (const std::size_t brace = literal.find_first_of("{}"); brace != std::string::npos) {
    if (literal.contains(kPath)) return failure(std::format(R"({} has "{{path}}" twice)", in_quotes(text)));
    const std::size_t end = literal.find('}', brace);
    return failure(std::format(R"({} has {}; the only placeholder is "{{path}}")", in_quotes(text),
                               in_quotes(literal.substr(brace, end == std::string::npos ? 1 : end - brace + 1))));
  }
  if (text.contains('?')) {
    return failure(std::format(R"({} has a "?"; the query is always the client's own)", in_quotes(text)));
  }
  if (!text.starts_with('/') && at != 0) return failure(std::format("{} must start with \"/\"", in_quotes(text)));
  if (has_path && at > 0 && text[at - 1] == '/') {
    return failure(
        std::format(R"({} has two slashes in a row, as what "{{path}}" stands for begins with one; write {})",
                    in_quotes(text), in_quotes(std::string(text).erase(at - 1, 1))));
  }
  if (has_path) literal.insert(at, "/x");
  if (is_path_of_segments(literal)) return {};
  return failure(std::format(
      R"({} is no path for an endpoint: it has visible ASCII that needs no escape, %XX for other bytes, and no "//", "." or "..")",
      in_quotes(text)));
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
  const std::string_view verb = edit == Edit::kRemove ? "removed" : "set";
  if (lower == "host") {
    return failure(
        std::format("\"Host\" cannot be {} here; see \"{}\"", verb, edit == Edit::kAsk ? "host" : "preserve_host"));
  }
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
  if (const auto variable = find_foreign_variable(value)) {
    return failure(std::format("{} would be sent as it stands: there are no variables in headers{}{}",
                               in_quotes(variable->text), variable->advice.empty() ? "" : "; ", variable->advice));
  }
  return {};
}

}  // namespace gatehouse::config
