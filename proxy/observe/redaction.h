// What clients put into a query though it is secret, kept out of logs: the values of parameters with certain names,
// in the query and in Referer, and a user's name and password in Referer. Immutable; any thread.
//
// A name fits if it ends with one of the words, as a word of its own (Access_Token, reset-token, user[password],
// apiKey; not zipcode), whatever the case and the percent-encoding. A value that holds a query in turn
// (return_url=...) is looked through once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

class Redaction {
 public:
  // What stands in place of a value that is left out. An empty value stays empty.
  static constexpr std::string_view kMask = "***";

  // Of no words: leaves queries alone, and takes user information out of URLs all the same.
  Redaction() = default;
  // `words` may be in any case; empty ones are ignored. REQUIRES: each has kLongestWord ASCII characters at most.
  explicit Redaction(const std::vector<std::string>& words);
  static constexpr std::size_t kLongestWord = 64;

  // `query` (without "?") as it may be logged: itself where nothing is secret, else a copy in `room`, whose memory is
  // used again. The view is good until `room` changes or the query goes.
  std::string_view query(std::string_view query, std::string& room) const;
  // The same of a URL: its user information, its query and its fragment, which is read like a query.
  std::string_view url(std::string_view url, std::string& room) const;

 private:
  // One look through a text, which copies nothing before the first value that is left out.
  class Pass;

  // Whether a parameter's name, as it was sent, ends with one of the words.
  bool is_secret(std::string_view name) const;

  // In lower case.
  std::vector<std::string> words_;
  // The last letters of the words, a bit each: nearly every name that is not secret is told by its own last letter.
  std::uint32_t last_letters_ = 0;
};

}  // namespace gatehouse
