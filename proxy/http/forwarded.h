// How what proxies say of a client is written: lists of which each proxy adds an element at the end, and the elements of
// Forwarded (RFC 7239). Who is believed is not judged here but in https_said() and origin_said(). Pure, any thread; views
// that are returned refer to the arguments.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/client_info.h"
#include "proxy/http/field_list.h"

namespace gatehouse {

namespace forwarded {

// All fields of that name as one list.
std::string joined(const FieldList& fields, FieldName name);
// Takes what stands behind the last `separator` that is not in a quoted string; with an odd number of quotes there is
// no telling, and everything is taken.
std::string_view take_last(std::string_view& rest, char separator);
// Returns the value of a parameter of one element of Forwarded (RFC 7239 section 4), with its quotes if it has any;
// nothing where it is not there, or there twice.
std::optional<std::string_view> parameter(std::string_view element, std::string_view name);
bool is_quoted(std::string_view value);

}  // namespace forwarded

// Returns whether a trusted proxy says that the client has come to it by https: X-Forwarded-Proto, or `proto` of
// Forwarded where that is the field that `client_address` names. Of a list the first element counts, which is the
// client's own way. False where the peer is no trusted proxy, or has not said.
bool https_said(const ClientInfo& client, const FieldList& fields);

}  // namespace gatehouse
