// What clients put into a query though it is secret, kept out of logs: the values of parameters with certain names, in
// the query and in Referer, and a user's name and password in Referer. Immutable; any thread.
//
// A name fits if it ends with one of the words, as a word of its own (Access_Token, reset-token, user[password],
// apiKey; not zipcode), whatever the case and the percent-encoding. A value that holds a query in turn (return_url=...)
// is looked through once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

class Redaction {
 public:
  static constexpr std::string_view kMask = "***";

  Redaction() = default;  // of nothing
  // `words` of at most kLongestWord ASCII characters.
  explicit Redaction(const std::vector<std::string>& words);
  static constexpr std::size_t kLongestWord = 64;

  // `query` (without "?") as it may be logged: itself, or a copy in `room`, whose memory is used again.
  std::string_view query(std::string_view query, std::string& room) const;
  // The same of a URL: its user information, its query and its fragment.
  std::string_view url(std::string_view url, std::string& room) const;

 private:
  class Pass;

  bool is_secret(std::string_view name) const;

  std::vector<std::string> words_;  // in lower case
  std::uint32_t last_letters_ = 0;  // of the words, a bit each: nearly every other name is told by its last one
};

}  // namespace gatehouse
