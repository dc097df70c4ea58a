#include "proxy/forward/early_hints.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "common/text.h"
#include "proxy/forward/link_field.h"

namespace gatehouse {

namespace {

// Whether `visit` is true for a member of a list, such as a directive.
template <class Visit>
bool any_member(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    if (visit(text::trim(list.substr(0, end)))) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

bool says(std::string_view list, std::string_view member) {
  return any_member(list, [member](std::string_view each) { return text::iequals(each, member); });
}

// A document that a browser goes to, or what asks like one.
bool is_navigation(const RequestHead& request) {
  if (const auto mode = request.fields.find("sec-fetch-mode")) return *mode == "navigate";
  const auto accept = request.fields.find(FieldName::kAccept);
  return accept && accept->find("text/html") != std::string_view::npos;
}

bool is_for_anybody(const ResponseHead& response) {
  if (response.status != 200 || response.fields.may_have(FieldName::kSetCookie)) return false;
  bool is_public = false;
  for (const Field field : response.fields) {
    if (field.id == FieldName::kCacheControl) {
      is_public = is_public || says(field.value, "public");
      if (says(field.value, "private") || says(field.value, "no-store")) return false;
    } else if (text::iequals(field.name, "vary")) {
      const auto differs = [](std::string_view name) { return !text::iequals(name, "accept-encoding"); };
      if (any_member(field.value, differs)) return false;
    }
  }
  return is_public;
}

bool is_hint(const Link& link) {
  return !link.anchored && (link.is("preload") || link.is("modulepreload") || link.is("preconnect"));
}

std::vector<std::string> hints_in(const FieldList& fields) {
  std::vector<std::string> hints;
  std::size_t bytes = 0;
  for (const Field field : fields) {
    if (field.id != FieldName::kLink) continue;
    for (const Link& link : links_of(field.value)) {
      if (!is_hint(link)) continue;
      bytes += link.text.size();
      if (bytes > EarlyHints::kMostLinkBytes) return hints;
      hints.emplace_back(link.text);
    }
  }
  return hints;
}

}  // namespace

bool EarlyHints::teaches(const RequestHead& request) {
  return request.method == "GET" && !request.asks_for_tunnel() && !request.fields.find(FieldName::kCookie) &&
         !request.fields.find(FieldName::kAuthorization);
}

std::string EarlyHints::key_of(const RequestHead& request) {
  std::string key = request.secure ? "https://" : "http://";
  key += request.authority;
  key += request.target;
  return key;
}

std::optional<ResponseHead> EarlyHints::of(const RequestHead& request, MonotonicTime now) {
  if (!is_binary(request.protocol) || request.method != "GET" || entries_.empty()) return std::nullopt;
  const auto found = by_key_.find(key_of(request));
  if (found == by_key_.end() || !is_navigation(request)) return std::nullopt;
  const Entries::iterator entry = found->second;
  if (entry->expires <= now) {
    forget(entry);
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  ResponseHead head{.status = 103};
  for (const std::string& link : entry->links) head.fields.add(FieldName::kLink, link);
  return head;
}

void EarlyHints::learn(const RequestHead& request, const ResponseHead& response, MonotonicTime now) {
  if (!is_for_anybody(response)) return;
  Entry entry{.key = key_of(request), .links = hints_in(response.fields), .expires = now + kLifetime};
  if (const auto known = by_key_.find(entry.key); known != by_key_.end()) forget(known->second);
  if (entry.links.empty()) return;
  entry.bytes = sizeof(Entry) + entry.key.size();
  for (const std::string& link : entry.links) entry.bytes += sizeof(std::string) + link.size();
  bytes_ += entry.bytes;
  entries_.push_front(std::move(entry));
  by_key_.emplace(entries_.front().key, entries_.begin());
  while (entries_.size() > kMostEntries || bytes_ > kMostBytes) forget(std::prev(entries_.end()));
}

void EarlyHints::forget(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace gatehouse
