// Heads of HTTP/1, mostly well-formed ones with a few wrong bytes: what browsers, tools and servers send, changed at
// random. The same seed makes the same heads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "tests/support/h1_difference.h"

namespace gatehouse::testing {

class H1RandomHeads {
 public:
  // The next head, and how to read it.
  struct Case {
    std::string bytes;
    HeadOptions options;
  };

  explicit H1RandomHeads(std::uint64_t seed) : random_(seed) {}

  // Pieces are as random as the rest. The case holds on to this object.
  Case next();

 private:
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
  bool once_in(std::size_t many) { return below(many) == 0; }
  std::string_view any_of(const auto& texts) { return texts[below(texts.size())]; }
  std::string head(bool response);
  void change(std::string& bytes);
  HeadLimits limits();

  std::mt19937_64 random_;
};

}  // namespace gatehouse::testing
