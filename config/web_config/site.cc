#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <format>
#include <optional>
#include <string>
#include <string_view>

#include "common/address.h"
#include "common/result.h"
#include "common/text.h"
#include "config/quoting.h"
#include "config/route_rules.h"
#include "config/web_config/parts.h"

namespace gatehouse::config {

namespace {

void read_request_limits(const pugi::xml_node& limits, WebConfigNotes& notes, WebConfig& result) {
  for (const pugi::xml_attribute& attribute : limits.attributes()) {
    const std::string_view name = attribute.name();
    const Location where = notes.place_of(limits, attribute);
    if (name != "maxAllowedContentLength") {
      notes.warning(where, std::format("{} is not used here: [limits] has max_target_bytes and max_header_bytes",
                                       in_quotes(name)));
      continue;
    }
    result.max_request_body = text::parse_decimal(attribute.value());
    if (result.max_request_body) continue;
    notes.error(where, std::format("\"maxAllowedContentLength\" must be a number of bytes, not {}",
                                   in_quotes(attribute.value())));
  }
}

// The prefix length of a mask such as 255.255.0.0; nothing for one with holes.
std::optional<unsigned> prefix_of(std::string_view mask) {
  std::uint32_t bits = 0;
  for (unsigned part = 0; part < 4; ++part) {
    const std::size_t dot = std::min(mask.find('.'), mask.size());
    const auto value = text::parse_decimal(mask.substr(0, dot));
    if (!value || *value > 255 || (part == 3) != (dot == mask.size())) return std::nullopt;
    bits = bits << 8 | static_cast<std::uint32_t>(*value);
    mask.remove_prefix(std::min(dot + 1, mask.size()));
  }
  const auto ones = static_cast<unsigned>(std::countl_one(bits));
  return std::popcount(bits) == static_cast<int>(ones) ? std::optional(ones) : std::nullopt;
}

Result<AddressRange> range_of(const pugi::xml_node& entry) {
  const std::string address = entry.attribute("ipAddress").value();
  const pugi::xml_attribute mask = entry.attribute("subnetMask");
  if (mask.empty()) return AddressRange::parse(address);
  const std::string_view written = mask.value();
  if (text::parse_decimal(written)) return AddressRange::parse(std::format("{}/{}", address, written));
  const auto prefix = prefix_of(written);
  if (!prefix) return failure(std::format("{} is no mask", in_quotes(written)));
  return AddressRange::parse(std::format("{}/{}", address, *prefix));
}

// What cannot be read is an error: a site that somebody has closed would be open.
void read_addresses(const pugi::xml_node& rules, WebConfigNotes& notes, WebConfig& result) {
  const bool unlisted = rules.attribute("allowUnlisted").as_bool(true);
  for (const pugi::xml_node& entry : rules.children()) {
    const std::string_view name = entry.name();
    if (name == "clear") continue;  // there is nothing to inherit
    const bool allowed = entry.attribute("allowed").as_bool(false);
    const Result<AddressRange> range = range_of(entry);
    if (name != "add" || !range) {
      notes.error(notes.place_of(entry), std::format("<{}> of <ipSecurity>: {}", name,
                                                     range ? "only <add> is known here" : range.error().message));
    } else if (allowed && unlisted) {
      notes.not_used(entry, "who is not listed is allowed as well");
    } else {
      (allowed ? result.allow : result.deny).push_back(*range);
    }
  }
  if (unlisted || !result.allow.empty()) return;
  for (const char* everybody : {"0.0.0.0/0", "::/0"}) {
    if (const auto range = AddressRange::parse(everybody)) result.deny.push_back(*range);
  }
}

void read_security(const pugi::xml_node& security, WebConfigNotes& notes, WebConfig& result) {
  for (const pugi::xml_node& part : security.children()) {
    if (std::string_view(part.name()) == "ipSecurity") {
      read_addresses(part, notes, result);
      continue;
    }
    if (std::string_view(part.name()) != "requestFiltering") {
      notes.not_used(part);
      continue;
    }
    for (const pugi::xml_node& child : part.children()) {
      if (std::string_view(child.name()) == "requestLimits") {
        read_request_limits(child, notes, result);
      } else {
        notes.not_used(child);
      }
    }
  }
}

void read_header(const pugi::xml_node& header, WebConfigNotes& notes, HeaderEdits& edits) {
  const bool removes = std::string_view(header.name()) == "remove";
  const std::string name = header.attribute("name").value();
  const std::string value = header.attribute("value").value();
  const auto good_name = check_header_name(name, removes ? Edit::kRemove : Edit::kSet);
  const auto good_value = check_header_value(value);
  const auto is_same = [&](const auto& field) { return text::iequals(field.first, name); };
  if (!good_name) return notes.not_used(header, good_name.error().message);
  if (!good_value) return notes.not_used(header, good_value.error().message);
  if (removes) {
    edits.remove.push_back(name);
  } else if (std::ranges::any_of(edits.set, is_same)) {
    notes.not_used(header, std::format("the header {} is there twice", in_quotes(name)));
  } else {
    edits.set.emplace_back(name, value);
  }
}

void read_headers(const pugi::xml_node& protocol, WebConfigNotes& notes, WebConfig& result) {
  for (const pugi::xml_node& part : protocol.children()) {
    if (std::string_view(part.name()) != "customHeaders") {
      notes.not_used(part);
      continue;
    }
    for (const pugi::xml_node& child : part.children()) {
      const std::string_view name = child.name();
      if (name == "add" || name == "remove") {
        read_header(child, notes, result.response_headers);
      } else if (name != "clear") {  // there is nothing to inherit
        notes.not_used(child);
      }
    }
  }
}

}  // namespace

void read_web_site(const pugi::xml_node& element, WebConfigNotes& notes, WebConfig& result) {
  const std::string_view name = element.name();
  if (name == "security") {
    read_security(element, notes, result);
  } else if (name == "httpProtocol") {
    read_headers(element, notes, result);
  } else if (name == "rewrite") {
    read_rewrite(element, notes, result);
  } else if (name == "staticContent" || name == "httpCompression" || name == "urlCompression") {
    notes.not_used(element, "files and compression are the application's own");
  } else if (name == "httpRedirect") {
    read_http_redirect(element, "/", notes, result);
  } else {
    notes.not_used(element);
  }
}

}  // namespace gatehouse::config
