#include "proxy/http/error_page.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(ErrorPage, SaysWhyInProxyStatusForEveryFault) {
  for (const FaultRule& row : fault_rules()) {
    const ErrorPage page = error_page(row.fault, "", "");
    EXPECT_EQ(page.head.body.bytes, page.body.size()) << row.token;
    EXPECT_EQ(page.head.fields.find(FieldName::kCacheControl), "no-store") << row.token;
    EXPECT_EQ(page.head.fields.find("X-Content-Type-Options"), "nosniff") << row.token;
    EXPECT_NE(page.body.find(row.explanation), std::string::npos) << row.token << page.body;
    if (row.status == 0) continue;
    EXPECT_EQ(page.head.status, row.status) << row.token;
    EXPECT_EQ(page.head.fields.find(FieldName::kProxyStatus), "gatehouse; error=" + std::string(row.proxy_status))
        << row.token;
    EXPECT_EQ(page.head.fields.find(FieldName::kRetryAfter).has_value(), row.status == 503) << row.token;
    EXPECT_EQ(page.head.fields.find("Allow").has_value(), row.status == 405) << row.token;
  }
}

TEST(ErrorPage, IsHtmlForThoseWhoAskForIt) {
  const ErrorPage html = error_page(Fault::kNoRoute, "TEXT/HTML,application/xhtml+xml;q=0.9", "id-1");
  EXPECT_EQ(html.head.fields.find(FieldName::kContentType), "text/html; charset=utf-8");
  EXPECT_TRUE(html.body.starts_with("<!doctype html>"));
  EXPECT_TRUE(html.body.contains("<h1>404 Not Found</h1>"));
  EXPECT_TRUE(html.body.contains("id-1"));
  const ErrorPage plain = error_page(Fault::kNoRoute, "*/*", "id-1");
  EXPECT_EQ(plain.head.fields.find(FieldName::kContentType), "text/plain; charset=utf-8");
  EXPECT_EQ(plain.body, "404 Not Found\nNothing is served at this address.\nRequest id-1\n");
}

TEST(ErrorPage, EscapesTheRequestId) {
  for (const std::string_view accept : {"text/html", "*/*"}) {
    const ErrorPage page = error_page(Fault::kNoRoute, accept, "<script>\"&'");
    EXPECT_FALSE(page.body.contains("<script>"));
    EXPECT_FALSE(page.body.contains("\"&'"));
    EXPECT_TRUE(page.body.contains("&lt;script&gt;"));
  }
}

}  // namespace
}  // namespace gatehouse
