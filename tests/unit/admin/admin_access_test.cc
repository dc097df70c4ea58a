// Whose requests the admin pages answer.
#include "proxy/admin/admin_access.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

const std::vector<std::string> kNames = {"gatehouse.internal", "gw"};

bool served(const Fields& fields, std::string authority = "127.0.0.1:9180") {
  RequestHead head{.method = "GET", .authority = std::move(authority), .target = "/status"};
  for (const auto& [name, value] : fields) head.fields.add(name, value);
  return admin_refusal(head, kNames).empty();
}

TEST(AdminAccess, ToolsAreAnsweredUnderNamesThatNoForeignPageHas) {
  EXPECT_TRUE(served({}));
  EXPECT_TRUE(served({}, "localhost:9180"));
  EXPECT_TRUE(served({}, "[::1]:9180"));
  EXPECT_FALSE(served({}, "rebound.example:9180"));
}

TEST(AdminAccess, NamesThatAreConfiguredAreAnswered) {
  EXPECT_TRUE(served({}, "gatehouse.internal:9180"));
  EXPECT_TRUE(served({}, "gw"));
  EXPECT_TRUE(served({{"Origin", "http://gatehouse.internal:9180"}}, "gatehouse.internal:9180"));
  for (const char* other : {"x.gatehouse.internal", "gatehouse.internal.evil.example", "internal", "gw.evil.example"}) {
    EXPECT_FALSE(served({}, other)) << other;
    RequestHead head{.method = "GET", .authority = other, .target = "/status"};
    EXPECT_TRUE(admin_refusal(head, kNames).contains("add that to admin_names in [server]"));
  }
}

TEST(AdminAccess, ScriptsOfOtherOriginsAreRefused) {
  EXPECT_TRUE(served({{"Origin", "http://127.0.0.1:9180"}}));
  EXPECT_TRUE(served({{"Origin", "http://LOCALHOST:9180"}}, "localhost:9180"));
  for (const char* origin : {"http://evil.example", "http://127.0.0.1", "http://127.0.0.1:9181", "null", "", "file://",
                             "http://127.0.0.1:9180.evil.example", "http://evil@127.0.0.1:9180"}) {
    EXPECT_FALSE(served({{"Origin", origin}})) << origin;
  }
  EXPECT_FALSE(served({{"Origin", "http://127.0.0.1:9180"}, {"Origin", "http://evil.example"}}));
}

TEST(AdminAccess, OtherSitesMayLinkButNeitherFetchNorEmbed) {
  EXPECT_TRUE(served({{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Mode", "cors"}, {"Sec-Fetch-Dest", "empty"}}));
  EXPECT_TRUE(served({{"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Mode", "navigate"}, {"Sec-Fetch-Dest", "document"}}));
  EXPECT_TRUE(
      served({{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "navigate"}, {"Sec-Fetch-Dest", "document"}}));
  for (const char* site : {"cross-site", "same-site"}) {
    EXPECT_FALSE(served({{"Sec-Fetch-Site", site}, {"Sec-Fetch-Mode", "no-cors"}, {"Sec-Fetch-Dest", "script"}}))
        << site;
    EXPECT_FALSE(served({{"Sec-Fetch-Site", site}, {"Sec-Fetch-Mode", "navigate"}, {"Sec-Fetch-Dest", "iframe"}}))
        << site;
    EXPECT_FALSE(served({{"Sec-Fetch-Site", site}})) << site;
  }
}

}  // namespace
}  // namespace gatehouse
