#include "proxy/http/error_page.h"

#include <cerrno>
#include <format>
#include <string>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(ErrorPage, SaysWhyInProxyStatusForEveryFault) {
  for (const FaultRule& row : fault_rules()) {
    const ErrorPage page = error_page(row.fault, "", "");
    EXPECT_EQ(page.head.body.bytes, page.body.size()) << row.label;
    EXPECT_EQ(page.head.fields.find(FieldName::kCacheControl), "no-store") << row.label;
    EXPECT_EQ(page.head.fields.find("X-Content-Type-Options"), "nosniff") << row.label;
    EXPECT_NE(page.body.find(row.explanation), std::string::npos) << row.label << page.body;
    if (row.status == 0) continue;
    EXPECT_EQ(page.head.status, row.status) << row.label;
    EXPECT_EQ(page.head.fields.find(FieldName::kProxyStatus),
              std::format("gatehouse; error={}; details=\"{}: {}\"", row.proxy_status, row.label, row.details));
    const bool known_elsewhere = row.label.starts_with("app_") || row.label == "name_not_resolved";
    EXPECT_EQ(page.head.fields.find(FieldName::kRetryAfter).has_value(), row.status == 503 && !known_elsewhere)
        << row.label;
    EXPECT_EQ(page.head.fields.find("Allow").has_value(), row.status == 405) << row.label;
  }
}

TEST(ErrorPage, SaysWhenToComeBackAndWhyWhereThatIsKnown) {
  const FaultDetails details{.retry_after = std::chrono::seconds(30), .cause = "exited(1)\n<trace>"};
  const ErrorPage html = error_page(Fault::kAppParked, "text/html", "", details);
  EXPECT_EQ(html.head.fields.find(FieldName::kRetryAfter), "30");
  EXPECT_TRUE(html.body.contains("<pre>exited(1)\n&lt;trace&gt;</pre>")) << html.body;
  EXPECT_TRUE(error_page(Fault::kAppParked, "", "", details).body.contains("exited(1)\n<trace>\n"));
}

TEST(ErrorPage, MayBeAnotherBodyAltogether) {
  const ErrorPage page =
      error_page(Fault::kAppOffline, "text/html", "id-1", {.body = "<p>back soon", .content_type = "text/html"});
  EXPECT_EQ(page.body, "<p>back soon");
  EXPECT_EQ(page.head.status, 503);
  EXPECT_EQ(page.head.body.bytes, page.body.size());
  EXPECT_EQ(page.head.fields.find(FieldName::kContentType), "text/html");
  EXPECT_EQ(page.head.fields.find(FieldName::kCacheControl), "no-store");
  EXPECT_FALSE(page.head.fields.find("Content-Security-Policy").has_value());
}

TEST(ErrorPage, NamesTheEndpointToThoseWhoMayKnow) {
  const ErrorPage page = error_page(Fault::kConnectRefused, "", "", {.next_hop = "unix:/run/\"a\\b\"\n\xc3\xa4.sock"});
  EXPECT_EQ(page.head.fields.find(FieldName::kProxyStatus),
            R"(gatehouse; error=connection_refused; next-hop="unix:/run/\"a\\b\".sock"; )"
            R"(details="connect_refused: nothing accepts connections at the endpoint's address")");
}

TEST(ErrorPage, SaysWhatTheSystemSaid) {
  const auto status = [](int error) {
    return std::string(
        *error_page(Fault::kConnectFailed, "", "", {.error = error}).head.fields.find(FieldName::kProxyStatus));
  };
  EXPECT_TRUE(status(EHOSTUNREACH).ends_with("or no such socket (EHOSTUNREACH)\"")) << status(EHOSTUNREACH);
  EXPECT_TRUE(status(0).ends_with("or no such socket\"")) << status(0);
  EXPECT_TRUE(status(12345).ends_with("or no such socket\"")) << "an error without a name";
}

TEST(ErrorPage, IsHtmlForThoseWhoAskForIt) {
  const ErrorPage html = error_page(Fault::kNoRoute, "TEXT/HTML,application/xhtml+xml;q=0.9", "id-1");
  EXPECT_EQ(html.head.fields.find(FieldName::kContentType), "text/html; charset=utf-8");
  EXPECT_TRUE(html.body.starts_with("<!doctype html>"));
  EXPECT_TRUE(html.body.contains("<h1>404 Not Found</h1>"));
  EXPECT_TRUE(html.body.contains("id-1"));
  const ErrorPage plain = error_page(Fault::kNoRoute, "*/*", "id-1");
  EXPECT_EQ(plain.head.fields.find(FieldName::kContentType), "text/plain; charset=utf-8");
  EXPECT_EQ(plain.body, "404 Not Found\nNothing is served at this address.\nno_route, request id-1\n");
}

TEST(ErrorPage, IsAProblemForThoseWhoPreferJson) {
  for (const char* accept : {"application/json", "application/problem+json", "application/json, text/plain, */*"}) {
    const ErrorPage page = error_page(Fault::kNoRoute, accept, "id-\"1", {.cause = "exited(1)\n"});
    EXPECT_EQ(page.head.fields.find(FieldName::kContentType), "application/problem+json");
    EXPECT_EQ(page.head.body.bytes, page.body.size());
    EXPECT_EQ(page.body, R"({"type":"about:blank","title":"Not Found","status":404,)"
                         R"("detail":"Nothing is served at this address.","instance":"id-\"1","fault":"no_route",)"
                         R"("cause":"exited(1)\n"})"
                         "\n");
    EXPECT_FALSE(page.head.fields.find("Content-Security-Policy").has_value());
  }
  EXPECT_FALSE(error_page(Fault::kNoRoute, "application/json", "").body.contains("instance"));
  const ErrorPage given = error_page(Fault::kAppOffline, "application/json", "id-1", {.body = "back soon"});
  EXPECT_EQ(given.body, "back soon") << "what the app has left for its clients";
  EXPECT_EQ(given.head.fields.find(FieldName::kContentType), "text/plain; charset=utf-8");
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
