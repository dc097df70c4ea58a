// What 304 says of a stored response, and what it cannot say.
#include "proxy/cache/stored_response.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse::cache {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

ResponseHead head(std::uint16_t status, const Fields& fields) {
  ResponseHead head{.status = status};
  for (const auto& [name, value] : fields) head.fields.add(name, value);
  return head;
}

std::string_view updated(std::string_view name) {
  static ResponseHead result;
  result = updated_head(head(200, {{std::string(name), "old"}}), head(304, {{std::string(name), "new"}}));
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.fields.size(), 1U) << name;
  return result.fields.find(name).value_or("none");
}

TEST(StoredResponseTest, WhatIsNotModifiedSaysItsFieldsAnew) {
  for (const auto* name : {"Cache-Control", "ETag", "Date", "X-Other", "Content-Foo", "Content-Location",
                           "Content-Security-Policy", "Content-Language"}) {
    EXPECT_EQ(updated(name), "new") << name;
  }
}

TEST(StoredResponseTest, TheBodyStaysWhatItIs) {
  for (const auto* name : {"Content-Length", "Content-Type", "Content-Encoding", "Content-Range", "Content-Digest"}) {
    EXPECT_EQ(updated(name), "old") << name;
  }
}

TEST(StoredResponseTest, WhatIsOfOneExchangeIsNotTaken) {
  const ResponseHead result = updated_head(
      head(200, {{"A", "1"}}), head(304, {{"Set-Cookie", "a=b"}, {"Age", "1"}, {"Cache-Status", "x"}, {"B", "2"}}));
  EXPECT_EQ(result.fields.size(), 2U);
  EXPECT_EQ(result.fields.find("b"), "2");
}

}  // namespace
}  // namespace gatehouse::cache
