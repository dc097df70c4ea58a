// Where a process serves, for scripts in one line and for people as links.
#include "proxy/server/announcement.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(AnnouncementTest, LinksAreWhatABrowserHereOpens) {
  EXPECT_EQ(link_to("https", ":8443"), "https://localhost:8443/");
  EXPECT_EQ(link_to("https", ":443"), "https://localhost/");
  EXPECT_EQ(link_to("http", ":443"), "http://localhost:443/");
  EXPECT_EQ(link_to("http", "0.0.0.0:80"), "http://localhost/");
  EXPECT_EQ(link_to("https", "[::]:8443"), "https://localhost:8443/");
  EXPECT_EQ(link_to("https", "127.0.0.1:8443"), "https://127.0.0.1:8443/");
  EXPECT_EQ(link_to("https", "[::1]:443"), "https://[::1]/");
  EXPECT_EQ(link_to("http", "192.0.2.1:8080"), "http://192.0.2.1:8080/");
  EXPECT_EQ(link_to("http", "unix:/run/front.sock"), "unix:/run/front.sock");
}

TEST(AnnouncementTest, TheLineForScriptsIsOne) {
  const Announcement told{.listeners = {{.scheme = "https", .address = ":8443", .protocols = {"h1", "h2", "h3"}},
                                        {.scheme = "http", .address = "127.0.0.1:80", .protocols = {"h1"}}},
                          .admin = "127.0.0.1:9180"};
  EXPECT_THAT(ready_line(told),
              testing::MatchesRegex("gatehouse [^ ]+ ready: https://:8443 \\(h1 h2 h3\\) http://127.0.0.1:80 \\(h1\\); "
                                    "admin http://127.0.0.1:9180\n"));
  EXPECT_THAT(ready_line({}), testing::EndsWith(" ready:; no admin address\n"));
}

TEST(AnnouncementTest, EachListenerHasItsLinkAndTheStatusPageToo) {
  const Announcement told{.listeners = {{.scheme = "https", .address = ":8443", .protocols = {"h1", "h2", "h3"}},
                                        {.scheme = "http", .address = ":80", .protocols = {"h1"}}},
                          .admin = "127.0.0.1:9180"};
  EXPECT_EQ(links(told),
            "  https://localhost:8443/       h1 h2 h3\n"
            "  http://localhost/             h1\n"
            "  http://127.0.0.1:9180/status  status page\n");
  EXPECT_EQ(links({.admin = "unix:/run/admin.sock"}), "  unix:/run/admin.sock  status page\n");
}

}  // namespace
}  // namespace gatehouse
