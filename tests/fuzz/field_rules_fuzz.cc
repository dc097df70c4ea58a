// Request heads as any codec may hand them over. The first byte chooses the protocol and what else is known; then come
// method, target, scheme and authority, one a line, and fields as "name:value" lines with any byte but the line feed,
// for which 0x1e stands. What the rules let through can be written, and has nothing in it that frames.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "proxy/http/asserted_fields.h"
#include "proxy/http/disguise.h"
#include "proxy/http/field_rules.h"
#include "proxy/http/h1/h1_writer.h"
#include "proxy/http/target.h"
#include "tests/support/h1_trace.h"

namespace gatehouse {
namespace {

void require(bool holds, std::string_view what, std::string_view detail) {
  if (holds) return;
  std::cerr << what << "\n" << detail << "\n";
  std::abort();
}

std::string next_line(std::string_view& input) {
  const std::size_t end = input.find('\n');
  std::string line(input.substr(0, end));
  input = end == std::string_view::npos ? std::string_view() : input.substr(end + 1);
  std::ranges::replace(line, '\x1e', '\n');
  return line;
}

FieldList read_fields(std::string_view input) {
  FieldList fields;
  while (!input.empty()) {
    const std::string line = next_line(input);
    const std::size_t colon = line.find(':', 1);  // names may begin with a colon
    fields.add(std::string_view(line).substr(0, colon),
               colon == std::string::npos ? "" : std::string_view(line).substr(colon + 1));
  }
  return fields;
}

bool frames(const Field& field) {
  switch (field.id) {
    case FieldName::kHost:
    case FieldName::kContentLength:
    case FieldName::kTransferEncoding:
    case FieldName::kExpect:
      return true;
    default:
      return false;
  }
}

void check_accepted(RequestHead& head) {
  const std::string text = testing::text_of(head.fields);
  require(std::ranges::none_of(std::string_view(text), [](char c) { return c == '\r' || c == '\0'; }), "a line break",
          text);
  for (const Field field : head.fields) require(!frames(field), "a field that frames", text);
  require(head.fields.count(FieldName::kCookie) < 2, "two cookies", text);
  require(head.authority.empty() ? head.protocol == Protocol::kH10
                                 : target::normalised_authority(head.authority) == head.authority,
          "no normal authority", head.authority);
  if (head.target != "*") {
    const auto settled = target::settle(head.path());
    require(settled && settled->canonical == head.canonical_path(), "another path is matched", head.target);
    require(settled->ambiguous == head.path_is_ambiguous, "ambiguous, or not", head.target);
  }
  const std::string forwarded = head.target_needs_escapes ? target::escaped(head.target) : head.target;
  Buffer out;
  require(h1_writer::write_request_head(out, head, {.target = forwarded}), "it cannot be written", text);
  field_rules::remove_hop_by_hop(head.fields);
  for (const Field field : head.fields) {
    require(field.id != FieldName::kConnection && field.id != FieldName::kUpgrade, "hop by hop", text);
  }
}

void check_trailers(std::string_view input, Protocol protocol) {
  const auto kept = field_rules::check_request_trailers(read_fields(input), protocol, ListenerPolicy{});
  const FieldList response = field_rules::check_response_trailers(read_fields(input));
  for (const FieldList* list : {kept ? &*kept : nullptr, &response}) {
    if (list == nullptr) continue;
    for (const Field field : *list) {
      require(asserted_fields::find(field.name) == nullptr && disguise::passes_for(field.name) != FieldName::kCookie,
              "a trailer that vouches for somebody", field.name);
      require(!frames(field) && field.id != FieldName::kAuthorization && field.id != FieldName::kXForwardedFor,
              "a trailer that means too much", field.name);
      require(field_rules::is_token(field.name) && field_rules::is_field_value(field.value), "an invalid trailer",
              field.name);
    }
  }
}

}  // namespace
}  // namespace gatehouse

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatehouse;
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  RawRequest raw{.protocol = static_cast<Protocol>(data[0] & 3), .secure = (data[0] & 4) != 0};
  raw.has_authority = (data[0] & 8) != 0;
  raw.end_of_message = (data[0] & 16) != 0;
  raw.method = next_line(input);
  raw.target = next_line(input);
  raw.scheme = next_line(input);
  raw.authority = next_line(input);
  raw.fields = read_fields(input);
  const Protocol protocol = raw.protocol;
  auto head = field_rules::check_request(raw, HeadLimits{});
  if (head) check_accepted(*head);
  check_trailers(input, protocol);
  return 0;
}
