#include "proxy/forward/delegation.h"

#include <algorithm>
#include <cassert>

#include "common/text.h"
#include "proxy/http/asserted_fields.h"
#include "proxy/http/disguise.h"
#include "proxy/http/field_rules.h"

namespace gatehouse::delegation {

namespace {

std::string joined_values(const FieldList& fields, FieldName name) {
  std::string all;
  for (const Field field : fields) {
    if (field.id == name) text::add_to_list(all, field.value);
  }
  return all;
}

// Names with a meaning to whoever stands between client and endpoint. What begins with Content- is about the body, which
// stays the client's.
bool is_messages_own(std::string_view name) {
  const FieldName known = field_name(name);
  switch (known == FieldName::kOther ? disguise::passes_for(name) : known) {
    case FieldName::kAltSvc:
    case FieldName::kConnection:
    case FieldName::kEarlyData:
    case FieldName::kExpect:
    case FieldName::kHost:
    case FieldName::kHttp2Settings:
    case FieldName::kKeepAlive:
    case FieldName::kMaxForwards:
    case FieldName::kTe:
    case FieldName::kTrailer:
    case FieldName::kTransferEncoding:
    case FieldName::kUpgrade:
    case FieldName::kVia:
    case FieldName::kXRequestId:
    case FieldName::kXResetCode:
      return true;
    default:
      return disguise::begins_with(name, "content-") || disguise::begins_with(name, "proxy-") ||
             disguise::begins_with(name, "sec-websocket-");
  }
}

bool is_edited(std::string_view name, const HeaderEdits& edits) {
  const auto names_it = [&](std::string_view edited) { return disguise::same(edited, name); };
  return std::ranges::any_of(edits.remove, names_it) ||
         std::ranges::any_of(edits.set, [&](const auto& edit) { return names_it(edit.first); });
}

bool is_asserted(std::string_view name, const ClientInfo& client) {
  return asserted_fields::find(name) != nullptr ||
         asserted_fields::judge(name, asserted_fields::Speaker::of(client)) != asserted_fields::Verdict::kStays;
}

void replace(FieldList& request, const FieldList& response, std::string_view name) {
  request.remove_if([&](const Field& field) { return disguise::same(field.name, name); });
  for (const Field field : response) {
    if (text::iequals(field.name, name) && field_rules::is_field_value(field.value)) request.add(name, field.value);
  }
}

}  // namespace

Decision decide(const Facts& facts) {
  using Result = Delegation::Result;
  const auto is_meant = [&](const Delegator* target) { return target->upstream->name() == facts.wish; };
  const auto found = std::ranges::find_if(facts.by.targets, is_meant);
  if (found == facts.by.targets.end()) return {.result = Result::kRefused};
  const Upstream* const meant = (*found)->upstream.get();
  if (facts.taken) return {.result = Result::kLate, .target = *found};
  const bool visited = meant == facts.by.upstream.get() || std::ranges::contains(facts.visited, meant);
  if (visited || facts.visited.size() >= kMostHops) return {.result = Result::kLoop, .target = *found};
  return {.result = Result::kHandedOver, .target = *found};
}

Fault fault_of(Delegation::Result result) {
  switch (result) {
    case Delegation::Result::kLoop:
      return Fault::kDelegationLoop;
    case Delegation::Result::kLate:
      return Fault::kDelegationLate;
    case Delegation::Result::kHandedOver:
      assert(false);
      break;
    case Delegation::Result::kRefused:
      break;
  }
  return Fault::kDelegationRefused;
}

std::optional<std::string> take(FieldList& fields) {
  if (fields.count(FieldName::kXDelegateTo) == 0) return std::nullopt;
  std::string said = joined_values(fields, FieldName::kXDelegateTo);
  fields.remove(FieldName::kXDelegateTo);
  return said;
}

void add_fields(FieldList& request, FieldList& response, const ClientInfo& client, const HeaderEdits& edits) {
  if (!response.may_have(FieldName::kXDelegateHeaders)) return;
  const std::string names = joined_values(response, FieldName::kXDelegateHeaders);
  field_rules::remove_hop_by_hop(response);
  std::string_view rest = names;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view name = text::trim(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    if (!field_rules::is_token(name) || is_messages_own(name) || is_asserted(name, client) || is_edited(name, edits)) {
      continue;
    }
    replace(request, response, name);
  }
}

}  // namespace gatehouse::delegation
