// Under which name a response is stored: the URL that is believed to have been asked for, as it is forwarded, and every
// field that commonly steers what an application makes of it. Pure, any thread.
//
//   https://shop.example.com/a?b=c   believed scheme and host, then the target as the endpoint gets it
//   shop.example.com/ shop           the route and its upstream
//   x-forwarded-port:8443            what the URL does not say of the request
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/message.h"

namespace gatehouse::cache {

// What a field of a request, as it is forwarded, means to its key.
enum class Steering : std::uint8_t {
  // Nothing: the response says by Vary what it depends on.
  kNone,
  // Its value is part of the key.
  kKeyed,
  // Who sends it is served past the cache: nothing is looked up, and nothing stored.
  kPrevents,
};

struct SteeringRow {
  // As asserted_fields.h has patterns: with "*" at its end a beginning of names.
  std::string_view pattern;
  Steering steering;
};

// In the order in which they are tried: the first that matches counts. Of names that are not forwarded from a client at
// all (asserted_fields.h) only those are here that trusted proxies may send.
const std::vector<SteeringRow>& steering_rows();
Steering steering_of(std::string_view name);

// Whether a request may have to do with the cache at all, whatever its method: it has no body, is to become no tunnel,
// and no field of it prevents.
bool concerns_cache(const RequestHead& request);

// `request` is as it is forwarded, `target` the one that the endpoint gets. `scope` tells routes apart whose targets are
// the same.
std::string key_of(const RequestHead& request, std::string_view target, std::string_view scope);
// The same for another target at the same origin: what is invalidated (RFC 9111 section 4.4). It ends where the URL
// does, so that it is the beginning of every key of that URL.
std::string url_of(const RequestHead& request, std::string_view target);

// The key of the response that this request chooses (RFC 9111 section 4.1): fields of equal names are one list, blanks
// between its members do not matter, and their case does not where HTTP says so. Their order does: applications take the
// first of the languages that are equally good.
std::string variant_key(std::string_view key, const std::vector<std::string>& vary, std::uint64_t generation,
                        const FieldList& request);

}  // namespace gatehouse::cache
