#include "proxy/http/target.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using target::canonical_path;
using target::normalised_authority;
using target::resolved_path;

std::string parsed(std::string_view text, std::string_view method = "GET") {
  const auto result = target::parse(text, method);
  if (!result) return std::string(rule(result.error()).label);
  return result->scheme + "|" + result->authority + "|" + result->origin;
}

TEST(Target, ReadsTheFormsOfRfc9112) {
  EXPECT_EQ(parsed("/"), "||/");
  EXPECT_EQ(parsed("/a/b;c?d=%e?f"), "||/a/b;c?d=%e?f");
  EXPECT_EQ(parsed("/?q={a|b}^`[1]\\d"), "||/?q={a|b}^`[1]\\d");
  EXPECT_EQ(parsed("http://h:80/p?q"), "http|h:80|/p?q");
  EXPECT_EQ(parsed("HTTPS://h"), "https|h|/");
  EXPECT_EQ(parsed("http://h?q"), "http|h|/?q");
  EXPECT_EQ(parsed("*", "OPTIONS"), "||*");
  EXPECT_EQ(parsed("http://h", "OPTIONS"), "http|h|*");
}

TEST(Target, RefusesTheRest) {
  for (const std::string_view bad :
       {"", "*", "foo", "foo/bar", "ftp://h/", "http:/h", "http:///p", "http://", "javascript:x"}) {
    EXPECT_EQ(parsed(bad), "malformed_request") << bad;
  }
  for (const std::string_view bad :
       {"/a#b", "/?a#b", "/a b", "/?a b", "/\x7f", "/?\x01", "/a\\b", "http://h#f", "http://h/a\\b", "/?a\nb"}) {
    EXPECT_EQ(parsed(bad), "unsafe_target") << bad;
  }
  EXPECT_EQ(parsed("h:443", "CONNECT"), "method_not_allowed");
  EXPECT_EQ(parsed("/p*", "OPTIONS"), "||/p*");
}

TEST(Target, EscapesWhatRfc3986DoesNotKnow) {
  struct Case {
    std::string_view origin, escaped;
  };
  for (const Case& each : std::vector<Case>{
           {"/{a}|b^c`<d>\"", "/%7Ba%7D%7Cb%5Ec%60%3Cd%3E%22"},
           {"/\xc3\xa4/\xff?\x80", "/%C3%A4/%FF?%80"},
           {"/?{a}|b^c`<d>\"\\", "/?%7Ba%7D%7Cb%5Ec%60%3Cd%3E%22%5C"},
           {"/a%2f[1]//b/..;x?[a]=%7c&b=/?", "/a%2f[1]//b/..;x?[a]=%7c&b=/?"},
       }) {
    const auto parsed = target::parse(each.origin, "GET");
    ASSERT_TRUE(parsed) << each.origin;
    EXPECT_EQ(parsed->origin, each.origin) << "as it was sent";
    EXPECT_EQ(parsed->needs_escapes, each.origin != each.escaped) << each.origin;
    EXPECT_EQ(target::escaped(each.origin), each.escaped);
    EXPECT_EQ(target::escaped(each.escaped), each.escaped);
  }
}

TEST(CanonicalPath, IsOneForAllSpellings) {
  struct Case {
    std::string_view path, canonical;
  };
  for (const Case& each : std::vector<Case>{{"/", "/"},
                                            {"/a", "/a"},
                                            {"/a/", "/a/"},
                                            {"//", "/"},
                                            {"//a", "/a"},
                                            {"/a//b", "/a/b"},
                                            {"/a///", "/a/"},
                                            {"/.", "/"},
                                            {"/./a", "/a"},
                                            {"/a/.", "/a/"},
                                            {"/a/./b", "/a/b"},
                                            {"/a/..", "/"},
                                            {"/a/../b", "/b"},
                                            {"/a/b/..", "/a/"},
                                            {"/a/b/../", "/a/"},
                                            {"/a/b/../../c", "/c"},
                                            {"/x/../admin", "/admin"},
                                            {"/...", "/..."},
                                            {"/.a", "/.a"},
                                            {"/a./b..", "/a./b.."},
                                            {"/%61dmin", "/admin"},
                                            {"/%7Ea%2D%2e%5f", "/~a-._"},
                                            {"/%2e%2E/", ""},
                                            {"/a/%2e%2e/b", "/b"},
                                            {"/a/.%2e/b", "/b"},
                                            {"/a/%2e/b", "/a/b"},
                                            {"/a%20b", "/a%20b"},
                                            {"/a%c3%a4", "/a%C3%A4"},
                                            {"/a%3fb%23", "/a%3Fb%23"},
                                            {"/%252e%252e/x", ""},
                                            {"/a/%252e%252e/x", "/x"},
                                            {"/a/%25252525%32%65%2525%32E/x", "/x"},
                                            {"/a%2fb%2Fc", "/a/b/c"},
                                            {"/a%5cb%5Cc", "/a/b/c"},
                                            {"/a%252fb%255cc", "/a/b/c"},
                                            {"/a%2f..%2f..%5cb", ""},
                                            {"/a/..%2fb", "/b"},
                                            {"/a;x%2f../b", "/b"},
                                            {"/a;%2f/b", "/a/b"},
                                            {"/%2f%2fa", "/a"},
                                            {"/100%25", "/100%25"},
                                            {"/100%25a", "/100%25a"},
                                            {"/x%2541", "/x%2541"},
                                            {"/%c0%af", "/"},
                                            {"/a%c0%ae.%c0%afb%e0%80%afc", "/a../b/c"},
                                            {"/a/%c0%ae%e0%80%ae/b", "/b"},
                                            {"/a%f0%80%80%afb%c1%9cc", "/a/b/c"},
                                            {"/a%c0%a52fb", "/a/b"},
                                            {"/%C1%E0%ED%EA", "/%C1%E0%ED%EA"},
                                            {"/%c1%81", "/%C1%81"},
                                            {"/\xc3\xa4", "/%C3%A4"},
                                            {"/a\"<b>{c}|^`", "/a%22%3Cb%3E%7Bc%7D%7C%5E%60"},
                                            {"/%22%7c", "/%22%7C"},
                                            {"/%40scope%2fname", "/@scope/name"},
                                            {"/%21%24%26%27%28%29%2A%2B%2C%3D%3A%5B%5D", "/!$&'()*+,=:[]"},
                                            {"/a%3bb", "/a%3Bb"},
                                            {"/a;x=1", "/a"},
                                            {"/a;x/b;y", "/a/b"},
                                            {"/a/..;x/b", "/b"},
                                            {"/a/.;x/b", "/a/b"},
                                            {"/a/;x/b", "/a/b"},
                                            {"/;x", "/"},
                                            {"/a/%2e%2e;x=%41/b", "/b"},
                                            {"/Admin", "/Admin"},
                                            {"/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,="},
                                            {"/[id].js", "/[id].js"}}) {
    const auto result = canonical_path(each.path);
    if (each.canonical.empty()) {
      EXPECT_EQ(result.error_or(Fault::kInternalError), Fault::kUnsafeTarget) << each.path;
      continue;
    }
    ASSERT_TRUE(result) << each.path;
    EXPECT_EQ(*result, each.canonical) << each.path;
    EXPECT_EQ(canonical_path(*result), *result) << "its own canonical form";
    const auto resolved = resolved_path(each.path);
    ASSERT_TRUE(resolved) << each.path;
    EXPECT_EQ(canonical_path(*resolved), *result) << each.path << " -> " << *resolved;
    EXPECT_EQ(resolved_path(*resolved), *resolved) << each.path;
    EXPECT_TRUE(!target::is_canonical(each.path) || *result == each.path) << each.path;
  }
}

TEST(CanonicalPath, ThereIsNoneOfWhatIsNotSafeInAnyReading) {
  for (const std::string_view bad :
       {"",      "a",       "*",         "/..",     "/../a",     "/a/../..", "/a/../../b", "/%2e%2e",
        "/..;x", "/a%00",   "/a%00.png", "/a%2500", "/a%252500", "/a%c0%80", "/a\\b",      "/\\..\\b",
        "/%",    "/%4",     "/%4g",      "/%g4",    "/a%",       "/%0d%0aX", "/%09",       "/%7f",
        "/%1f",  "/%c0%8a", "/a b",      "/a;%00",  "/a;%zz",    "/a?b",     "/a#b",       "/%252e%252e"}) {
    EXPECT_EQ(canonical_path(bad).error_or(Fault::kInternalError), Fault::kUnsafeTarget) << bad;
    EXPECT_FALSE(resolved_path(bad)) << bad;
    EXPECT_FALSE(target::is_canonical(bad)) << bad;
  }
}

TEST(CanonicalPath, KnowsWhetherThereAreOtherReadings) {
  for (const std::string_view plain :
       {"/", "/a/", "/.well-known/x", "/%7euser/%C3%A4%20b", "/a;v=1/b", "/a%2bb%40", "/a|b", "/100%25", "/a.b/..c"}) {
    EXPECT_FALSE(target::settle(plain).value().ambiguous) << plain;
  }
  for (const std::string_view ambiguous :
       {"//", "/a//b", "/a//", "/./a", "/a/..", "/a/.", "/a%2fb", "/a%5cb", "/a%3bb", "/a%252fb", "/a%2541", "/a/;x/b",
        "/a/..;x/b", "/%2e%2e;/../a", "/%c0%afa", "/%c1%a1", "/a/%2e"}) {
    const auto settled = target::settle(ambiguous);
    EXPECT_TRUE(!settled || settled->ambiguous) << ambiguous;
  }
}

TEST(ResolvedPath, KeepsParametersAndWhatStandsForData) {
  EXPECT_EQ(resolved_path("/a;v=1/%7euser/b%c3%a4"), "/a;v=1/~user/b%C3%A4");
  EXPECT_EQ(resolved_path("/a;v=1/./x/..//%62"), "/a;v=1/b");
  EXPECT_EQ(resolved_path("/a/b;x/..;y/c/"), "/a/c/");
  EXPECT_EQ(resolved_path("/a%2bb+c%3bd%40@"), "/a%2Bb+c%3Bd%40@");
  EXPECT_EQ(resolved_path("/a%2fb/|"), "/a/b/%7C");
}

TEST(Authority, IsNormalised) {
  struct Case {
    std::string_view text;
    std::optional<std::string> normalised;
  };
  for (const Case& each : std::vector<Case>{{"a", "a"},
                                            {"Example.COM", "example.com"},
                                            {"example.com.", "example.com"},
                                            {"example.com.:80", "example.com:80"},
                                            {"a:65535", "a:65535"},
                                            {"127.0.0.1:1", "127.0.0.1:1"},
                                            {"a_b-c.d", "a_b-c.d"},
                                            {"[::1]", "[::1]"},
                                            {"[2001:DB8::1]:443", "[2001:db8::1]:443"},
                                            {"A:", "a"},
                                            {"a.:", "a"},
                                            {"[::1]:", "[::1]"},
                                            {std::string_view(), std::nullopt}}) {
    EXPECT_EQ(normalised_authority(each.text), each.normalised) << each.text;
  }
  for (const std::string_view bad :
       {"",          ".",       "..",      "a..b", ".a",       "a..",     ":80",    ":",    "a:0",
        "a:00080",   "a:99999", "a:65536", "a:8x", "a:+80",    "a:80:90", "u@a",    "a/b",  "a,b",
        "a b",       " a",      "a ",      "a%20", "[::1",     "::1",     "[::1]x", "a::",  "[fe80::1%eth0]",
        "[1.2.3.4]", "[]",      "[g::1]",  "a\t",  "\xc3\xa4", "a?b",     "a#b",    "a\\b", "*.a"}) {
    EXPECT_EQ(normalised_authority(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(normalised_authority(std::string_view("[::1\0]", 6)), std::nullopt);
  EXPECT_EQ(normalised_authority(std::string_view("a\0b", 3)), std::nullopt);
  EXPECT_EQ(normalised_authority(std::string(255, 'a')), std::string(255, 'a'));
  EXPECT_EQ(normalised_authority(std::string(256, 'a')), std::nullopt);
}

}  // namespace
}  // namespace gatehouse
