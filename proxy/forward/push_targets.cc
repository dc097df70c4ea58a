#include "proxy/forward/push_targets.h"

#include <algorithm>
#include <string_view>

#include "common/text.h"
#include "proxy/forward/link_field.h"

namespace gatehouse {

namespace {

constexpr std::size_t kMostTargets = 10;

// Takes `prefix` off, in any case.
bool take(std::string_view& text, std::string_view prefix) {
  if (!text::iequals(text.substr(0, prefix.size()), prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Of the same origin, in origin form; empty if it is not. "//host/path" is of another.
std::string_view own_target(std::string_view target, const RequestHead& request) {
  if (const std::size_t fragment = target.find('#'); fragment != std::string_view::npos) {
    target = target.substr(0, fragment);
  }
  const bool absolute = take(target, request.secure ? "https://" : "http://");
  if (absolute && !take(target, request.authority)) return {};
  const bool is_path = target.starts_with('/') && !target.starts_with("//");
  return is_path ? target : std::string_view();
}

}  // namespace

std::vector<std::string> push_targets(const RequestHead& request, const ClientInfo& client,
                                      const ResponseHead& response) {
  std::vector<std::string> targets;
  if (request.protocol != Protocol::kH2 || request.method != "GET" || client.forwarded_for) return targets;
  if (!response.fields.may_have(FieldName::kLink)) return targets;
  for (const Field field : response.fields) {
    if (field.id != FieldName::kLink) continue;
    for (const Link& link : links_of(field.value)) {
      if (!link.is("preload") || link.nopush || link.anchored) continue;
      const std::string_view target = own_target(link.target, request);
      if (target.empty() || std::ranges::contains(targets, target)) continue;
      targets.emplace_back(target);
      if (targets.size() == kMostTargets) return targets;
    }
  }
  return targets;
}

}  // namespace gatehouse
