// From paths of requests to names of files.
#include "proxy/files/file_path.h"

#include <string>

#include <gtest/gtest.h>

#include "proxy/files/media_types.h"
#include "proxy/http/target.h"

namespace gatehouse {
namespace {

// As a route sees it: resolved, then taken apart.
std::string named(std::string_view path) {
  const auto resolved = target::resolved_path(path);
  if (!resolved) return "(unsafe)";
  return site_path(*resolved).value_or("(none)");
}

TEST(SitePath, IsThePathDecodedOnce) {
  EXPECT_EQ(named("/"), "");
  EXPECT_EQ(named("/a/b.txt"), "a/b.txt");
  EXPECT_EQ(named("/a/"), "a/");
  EXPECT_EQ(named("/a%20b"), "a b");
  EXPECT_EQ(named("/%C3%A4"), "\xc3\xa4");
  EXPECT_EQ(named("/a%2541"), "a%41");
  EXPECT_EQ(named("/a;v=1"), "a;v=1");
  EXPECT_EQ(named("/a//b/./c"), "a/b/c");
}

// Whatever they are written with: no name has a part that leads up, and none leads out.
TEST(SitePath, LeadsNowhereElse) {
  for (const char* path : {"/../x", "/a/../../x", "/%2e%2e/x", "/a/%2e%2e/%2e%2e/x", "/..%2fx", "/%2e%2e%2fx",
                           "/a/..%2f..%2fx", "/%252e%252e/x", "/%252e%252e%252fx", "/..%5cx", "/a/..%5c..%5cx",
                           "/%c0%ae%c0%ae/x", "/..%c0%afx", "/a%00", "/..;/x", "/a/..;v=1/../x"}) {
    const std::string name = named(path);
    EXPECT_FALSE(("/" + name + "/").contains("/../")) << path << " is " << name;
    EXPECT_FALSE(name.starts_with('/')) << path << " is " << name;
    EXPECT_FALSE(name.contains('\0')) << path;
  }
}

TEST(SitePath, HidesWhatBeginsWithADot) {
  EXPECT_EQ(named("/.git/config"), "(none)");
  EXPECT_EQ(named("/a/.env"), "(none)");
  EXPECT_EQ(named("/%2egit/config"), "(none)");
  EXPECT_EQ(named("/.well-known/acme-challenge/x"), ".well-known/acme-challenge/x");
  EXPECT_EQ(named("/a/.well-known/x"), "(none)");
  EXPECT_EQ(named("/.well-known/.htaccess"), "(none)");
}

TEST(SitePath, IsNoneForWhatNoFileIsCalled) {
  EXPECT_EQ(site_path("/a%2Fb"), std::nullopt);
  EXPECT_EQ(site_path("/a%"), std::nullopt);
  EXPECT_EQ(site_path("*"), std::nullopt);
  EXPECT_EQ(site_path(""), std::nullopt);
  EXPECT_EQ(site_path("//"), std::nullopt);
}

TEST(Attempt, IsAPatternOfAName) {
  EXPECT_EQ(Attempt("{path}").name_for("a/b"), "a/b");
  EXPECT_EQ(Attempt("{path}").name_for(""), "");
  EXPECT_EQ(Attempt("{path}").name_for("a/"), "a/");  // which names no file
  EXPECT_EQ(Attempt("{path}/").name_for("a"), "a");
  EXPECT_EQ(Attempt("{path}/").name_for("a/"), "a");
  EXPECT_EQ(Attempt("{path}.html").name_for("a"), "a.html");
  EXPECT_EQ(Attempt("{path}.html").name_for(""), "");
  EXPECT_EQ(Attempt("/old/{path}").name_for("a"), "old/a");
  EXPECT_EQ(Attempt("/index.html").name_for("a/b"), "index.html");
}

TEST(Attempt, KnowsWhatItIsFor) {
  EXPECT_TRUE(Attempt("{path}/").is_folder());
  EXPECT_TRUE(Attempt("{path}/").is_path_itself());
  EXPECT_FALSE(Attempt("{path}").is_folder());
  EXPECT_TRUE(Attempt("/docs/").is_folder());
  EXPECT_FALSE(Attempt("/docs/").is_path_itself());
  EXPECT_FALSE(Attempt("/docs/{path}/").is_path_itself());
}

TEST(WithSlash, IsThePlaceOfAFolderOnThisSite) {
  EXPECT_EQ(with_slash("/a"), "/a/");
  EXPECT_EQ(with_slash("/a?b=/c"), "/a/?b=/c");
  EXPECT_EQ(with_slash("//evil.example"), "/.//evil.example/");
}

TEST(MediaTypes, AreToldByTheEndOfTheName) {
  EXPECT_EQ(media_type("a/b.html").type, "text/html; charset=utf-8");
  EXPECT_EQ(media_type("A.JS").type, "text/javascript; charset=utf-8");
  EXPECT_EQ(media_type("x.tar.gz").type, "application/gzip");
  EXPECT_EQ(media_type("x.woff2").type, "font/woff2");
  EXPECT_TRUE(media_type("x.svg").compressible);
  EXPECT_FALSE(media_type("x.png").compressible);
  for (const char* name : {"", "x", "x.", "x.unheard-of", "a.html/x", "html"}) {
    EXPECT_EQ(media_type(name).type, "application/octet-stream") << name;
  }
}

}  // namespace
}  // namespace gatehouse
