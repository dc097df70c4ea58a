#include "proxy/http/forwarded.h"

#include <cstddef>
#include <utility>

#include "common/text.h"

namespace gatehouse {

namespace forwarded {

std::string joined(const FieldList& fields, FieldName name) {
  std::string all;
  if (!fields.may_have(name)) return all;
  for (const Field field : fields) {
    if (field.id == name) text::add_to_list(all, field.value, ",");
  }
  return all;
}

std::string_view take_last(std::string_view& rest, char separator) {
  bool quoted = false;
  for (std::size_t i = rest.size(); i > 0; --i) {
    const char c = rest[i - 1];
    if (c == '"') quoted = !quoted;
    if (c != separator || quoted) continue;
    const std::string_view last = rest.substr(i);
    rest = rest.substr(0, i - 1);
    return last;
  }
  return std::exchange(rest, {});
}

std::optional<std::string_view> parameter(std::string_view element, std::string_view name) {
  std::optional<std::string_view> value;
  while (!element.empty()) {
    const std::string_view pair = text::trim(take_last(element, ';'));
    const bool named = pair.size() > name.size() && pair[name.size()] == '=';
    if (!named || !text::iequals(pair.substr(0, name.size()), name)) continue;
    if (std::exchange(value, pair.substr(name.size() + 1))) return std::nullopt;
  }
  return value;
}

bool is_quoted(std::string_view value) {
  return value.size() >= 2 && value.starts_with('"') && value.ends_with('"');
}

}  // namespace forwarded

namespace {

std::string_view first_element(std::string_view list) {
  std::string_view first;
  while (!list.empty()) first = forwarded::take_last(list, ',');
  return text::trim(first);
}

}  // namespace

bool https_said(const ClientInfo& client, const FieldList& fields) {
  if (!client.listener || !client.listener->trusts(client.address)) return false;
  if (client.listener->client_address != ClientAddress::kForwarded) {
    return text::iequals(first_element(forwarded::joined(fields, FieldName::kXForwardedProto)), "https");
  }
  const std::string elements = forwarded::joined(fields, FieldName::kForwarded);
  auto scheme = forwarded::parameter(first_element(elements), "proto");
  if (!scheme) return false;
  if (forwarded::is_quoted(*scheme)) scheme = scheme->substr(1, scheme->size() - 2);
  return text::iequals(*scheme, "https");
}

}  // namespace gatehouse
