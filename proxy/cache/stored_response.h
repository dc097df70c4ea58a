// From an entry to what a client gets of it: its head with Age and Cache-Status, the part of the body that was asked for,
// or 304. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "proxy/cache/conditions.h"
#include "proxy/cache/entry.h"

namespace gatehouse::cache {

struct StoredResponse {
  ResponseHead head;
  // Of the entry's body.
  std::string_view body;
};

// REQUIRES: the entry is a response.
StoredResponse stored_response(const Entry& entry, const Conditions& conditions, MonotonicTime now, WallTime wall_now);

// Adds us to Cache-Status (RFC 9211): behind what the caches before have said. `parameters` is such as "hit; ttl=30".
void say_cache_status(FieldList& fields, std::string_view parameters);

// The head of a response as it is stored: `head` is as the client gets it.
ResponseHead head_to_store(const ResponseHead& head, WallTime now);

// The head of the entry with what 304 says of it in its place (RFC 9111 section 3.2).
ResponseHead updated_head(const ResponseHead& stored, const ResponseHead& not_modified);

}  // namespace gatehouse::cache
