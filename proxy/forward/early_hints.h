// What clients of a URL need besides, as its earlier responses have said in Link fields: told to the next client as 103
// (RFC 8297) while the endpoint still thinks. A member of a worker, which learns for itself: nothing is shared or
// locked. Everything is bounded: kMostEntries URLs and kMostBytes in all, of which the ones not used for longest go
// first, and kMostLinkBytes for one; an entry is good for kLifetime after the response that it was learned from.
//
//   response 200 that anybody may have --learn()--> entries_ --of()--> 103 of a page on h2 or h3
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/clock.h"
#include "proxy/http/message.h"

namespace gatehouse {

class EarlyHints {
 public:
  static constexpr std::size_t kMostEntries = 1024;
  static constexpr std::size_t kMostBytes = 1024UL * 1024;
  static constexpr std::size_t kMostLinkBytes = 4096;
  static constexpr std::chrono::minutes kLifetime{10};

  // Whether a response to such a request may be one that anybody gets: a GET without Cookie and Authorization. To be
  // asked before anything else touches the fields.
  static bool teaches(const RequestHead& request);
  // Returns the 103 for the request of a page on h2 or h3 (of a navigation, as far as its fields tell); nothing if none
  // was learned.
  std::optional<ResponseHead> of(const RequestHead& request, MonotonicTime now);
  // Learns from what the endpoint has said to a request that teaches(). A response that is not for anybody (200 with
  // Cache-Control: public, no Set-Cookie, and Vary of nothing but Accept-Encoding) teaches nothing; one without links to
  // preload, modulepreload or preconnect ends what was known.
  void learn(const RequestHead& request, const ResponseHead& response, MonotonicTime now);

  std::size_t size() const { return entries_.size(); }
  // Of keys and links.
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string key;
    std::vector<std::string> links;
    MonotonicTime expires;
    std::size_t bytes = 0;
  };
  using Entries = std::list<Entry>;

  static std::string key_of(const RequestHead& request);
  void forget(Entries::iterator entry);

  // The last used one first.
  Entries entries_;
  // By the keys of the entries.
  std::unordered_map<std::string_view, Entries::iterator> by_key_;
  std::size_t bytes_ = 0;
};

}  // namespace gatehouse
