#include <algorithm>
#include <cstddef>
#include <expected>
#include <format>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "common/result.h"
#include "common/text.h"
#include "config/quoting.h"
#include "config/route_rules.h"
#include "config/web_config/parts.h"

namespace gatehouse::config {

namespace {

constexpr std::string_view kForApplication = "this is for the application (UseRewriter), or for a route by hand";

// From http to the same place with https, as everybody writes it: whatever was asked for, where {HTTPS} is off.
bool leads_to_https(const pugi::xml_node& rule) {
  const pugi::xml_node action = rule.child("action");
  if (text::lower(action.attribute("type").value()) != "redirect") return false;
  const std::string target = text::lower(action.attribute("url").value());
  if (!target.starts_with("https://{http_host}") && !target.starts_with("https://{server_name}")) return false;
  for (const pugi::xml_node& condition : rule.child("conditions").children("add")) {
    const std::string pattern = text::lower(condition.attribute("pattern").value());
    const bool off = pattern == "off" || pattern == "^off$";
    if (text::lower(condition.attribute("input").value()) == "{https}" && off) return true;
  }
  return false;
}

// The text that a regular expression stands for, if it has nothing else in it but dots, by which everybody means a dot.
std::optional<std::string> literal(std::string_view pattern) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c == '\\' && at + 1 < pattern.size() && std::string_view(".-/_").contains(pattern[at + 1])) {
      out += pattern[++at];
    } else if (text::is_letter_or_digit(c) || std::string_view(".-_/~").contains(c)) {
      out += c;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

bool drop_front(std::string_view& text, std::string_view front) {
  if (!text.starts_with(front)) return false;
  text.remove_prefix(front.size());
  return true;
}

bool drop_back(std::string_view& text, std::string_view back) {
  if (!text.ends_with(back)) return false;
  text.remove_suffix(back.size());
  return true;
}

// The canonical path of which a rule is about all that is below. Nothing for what is no prefix by whole segments.
std::optional<std::string> path_of(const pugi::xml_node& rule) {
  const pugi::xml_node match = rule.child("match");
  std::string_view pattern = match.attribute("url").value();
  if (match.attribute("negate").as_bool()) return std::nullopt;
  const std::string syntax = text::lower(rule.attribute("patternSyntax").value());
  if (syntax == "exactmatch") return std::nullopt;
  if (syntax == "wildcard") {
    if (pattern == "*") return "/";
    if (!drop_back(pattern, "/*") || pattern.contains('*')) return std::nullopt;
    return "/" + std::string(pattern);
  }
  const bool at_front = drop_front(pattern, "^");
  drop_back(pattern, "$");
  if (pattern == "(.*)" || pattern == ".*" || pattern == "(.+)") return "/";
  // Without ^ it may begin anywhere; "/" is behind the one that stands for the site.
  if (!at_front || !(drop_back(pattern, "/(.*)") || drop_back(pattern, "/.*"))) return std::nullopt;
  const std::optional<std::string> segments = literal(pattern);
  return segments ? std::optional("/" + *segments) : std::nullopt;
}

// Which hosts a rule is about.
struct Hosts {
  std::string host;     // lower case; empty: any
  bool others = false;  // all but that one
};

// From the rule's conditions. Nothing for what a route cannot ask.
std::optional<Hosts> hosts_of(const pugi::xml_node& rule) {
  Hosts hosts;
  const pugi::xml_node conditions = rule.child("conditions");
  std::size_t count = 0;
  for (const pugi::xml_node& condition : conditions.children("add")) {
    std::string_view pattern = condition.attribute("pattern").value();
    const bool about_host = text::iequals(condition.attribute("input").value(), "{HTTP_HOST}");
    if (++count > 1 || !about_host || !drop_front(pattern, "^") || !drop_back(pattern, "$")) return std::nullopt;
    const std::optional<std::string> name = literal(pattern);
    const Result<std::string> host = name ? normalised_host(*name) : failure("no name");
    if (!host) return std::nullopt;
    hosts = {.host = *host, .others = condition.attribute("negate").as_bool()};
  }
  return hosts;
}

// What stands for what was asked for in the url of an action, as far as all of it is at the end.
std::string target_of(std::string_view url) {
  constexpr std::string_view kUri = "{uri}";
  std::string out(url);
  for (const std::string_view host : {"{HTTP_HOST}", "{SERVER_NAME}"}) {
    if (const std::size_t at = out.find(host); at != std::string::npos) out.replace(at, host.size(), "{host}");
  }
  for (const std::string_view rest : {"/{R:1}", "/{R:0}", "{REQUEST_URI}"}) {
    if (!out.ends_with(rest)) continue;
    out.replace(out.size() - rest.size(), rest.size(), kUri);
    break;
  }
  return out;
}

bool is_whole(std::string_view url) {
  return url.ends_with("/{R:0}") || url.ends_with("{REQUEST_URI}");
}

int status_of(std::string_view type) {
  const std::string word = text::lower(type);
  if (word == "found") return 302;
  if (word == "seeother") return 303;
  if (word == "temporary") return 307;
  if (word == "permredirect") return 308;
  return 301;  // Permanent, the default of a rule
}

// A rule as a route; the error says why it is none.
Result<Route> route_of(const pugi::xml_node& rule, const std::string& path) {
  const pugi::xml_node action = rule.child("action");
  const std::string type = text::lower(action.attribute("type").value());
  std::string url = action.attribute("url").value();
  Route route{.path = path};
  if (const Result<> good = check_path(path); !good) return std::unexpected(good.error());
  if (type == "redirect") {
    if (!url.contains("://") && !url.starts_with('/') && !url.starts_with('{')) url.insert(0, "/");
    const std::string target = target_of(url);
    if (const Result<> good = check_redirect_target(target); !good) return std::unexpected(good.error());
    route.strip_prefix = path.size() > 1 && !is_whole(url);
    route.action = Redirect{.target = target, .status = status_of(action.attribute("redirectType").value())};
    return route;
  }
  if (type != "rewrite") return failure(std::string(kForApplication));
  if (url.contains("://")) return failure("another server is an upstream, with a route to it");
  if (!url.starts_with('/')) url.insert(0, "/");
  if (!url.ends_with("/{R:1}")) return failure(std::string(kForApplication));
  url.replace(url.size() - 6, 6, "{path}");
  if (const Result<> good = check_rewrite(url); !good) return std::unexpected(good.error());
  route.strip_prefix = path.size() > 1;
  route.rewrite = url == "{path}" ? "" : url;
  route.action = Forward{};
  return route;
}

// It redirects to the site that was asked.
bool stays_here(const Route& route) {
  const auto* const redirect = std::get_if<Redirect>(&route.action);
  return redirect != nullptr && (!redirect->target.starts_with("http") || redirect->target.contains("{host}"));
}

void read_rule(const pugi::xml_node& rule, WebConfigNotes& notes, WebConfig& result) {
  if (!rule.attribute("enabled").as_bool(true)) return;
  if (leads_to_https(rule)) {
    result.redirect_to_https = true;
    return;
  }
  const auto refuse = [&](std::string_view why) {
    notes.not_used(rule, std::format("the rule {}: {}", in_quotes(rule.attribute("name").value()), why));
  };
  const std::optional<std::string> path = path_of(rule);
  if (!path) return refuse(std::format("its pattern is more than a path with all below it; {}", kForApplication));
  const std::optional<Hosts> hosts = hosts_of(rule);
  if (!hosts) return refuse(std::format("a condition is about more than one {{HTTP_HOST}}; {}", kForApplication));
  Result<Route> route = route_of(rule, *path);
  if (!route) return refuse(route.error().message);
  if (hosts->others) {
    if (!std::holds_alternative<Redirect>(route->action) || *path != "/" || !result.hosts.empty())
      return refuse(kForApplication);
    result.hosts.push_back(hosts->host);
  } else if (hosts->host.empty() && *path == "/" && stays_here(*route)) {
    return refuse("it would redirect its own target again");
  } else if (!hosts->host.empty()) {
    route->hosts.push_back(hosts->host);
  }
  route->location = notes.place_of(rule);
  result.routes.push_back(std::move(*route));
}

// The value of `destination` as a target, where its variables are what can be said.
std::string destination_of(const pugi::xml_node& element) {
  std::string target = element.attribute("destination").value();
  if (!element.attribute("exactDestination").as_bool()) {
    if (target.ends_with('/')) target.pop_back();
    return target + "{uri}";
  }
  for (const std::string_view rest : {"$V$Q", "$S$Q"}) {
    if (target.ends_with(rest)) return target.replace(target.size() - rest.size(), rest.size(), "{uri}");
  }
  return target;
}

}  // namespace

void read_rewrite(const pugi::xml_node& rewrite, WebConfigNotes& notes, WebConfig& result) {
  for (const pugi::xml_node& part : rewrite.children()) {
    if (std::string_view(part.name()) != "rules") {
      notes.not_used(part);
      continue;
    }
    for (const pugi::xml_node& rule : part.children("rule")) read_rule(rule, notes, result);
  }
}

void read_http_redirect(const pugi::xml_node& element, const std::string& where, WebConfigNotes& notes,
                        WebConfig& result) {
  if (!element.attribute("enabled").as_bool()) return;
  const std::string target = destination_of(element);
  if (element.attribute("childOnly").as_bool()) {
    notes.not_used(element, "childOnly is about files, which are the application's own");
    return;
  }
  Result<> good = check_redirect_target(target);
  if (good && target.contains('$')) good = failure(std::format("{} has variables of IIS", in_quotes(target)));
  if (!good) {
    notes.not_used(element, good.error().message);
    return;
  }
  const pugi::xml_attribute type = element.attribute("httpResponseStatus");
  Route route{.location = notes.place_of(element), .path = where};
  route.strip_prefix = where.size() > 1 && !element.attribute("exactDestination").as_bool();
  route.action = Redirect{.target = target, .status = type.empty() ? 302 : status_of(type.value())};
  result.routes.push_back(std::move(route));
}

}  // namespace gatehouse::config
