// What `gatehouse explain` says of a request is what happens to it: the parts from typed text to outcome.
#include "proxy/explain/explain.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/certificate_store.h"
#include "config/reading/load.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace gatehouse {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing_support::make_certificate;
using testing_support::TemporaryFolder;

class ExplainTest : public testing::Test {
 protected:
  ExplainTest() {
    const auto pem = make_certificate({.names = {"shop.example", "*.example.org"}});
    folder.write("cert.pem", pem.certificate);
    folder.write("key.pem", pem.private_key);
  }

  Explanation ask(const QuestionText& text, const std::string& more = "") {
    const auto loaded = config::parse(kFile + more, (folder.path() / "g.toml").string());
    for (const auto& diagnostic : loaded.diagnostics) {
      EXPECT_EQ(diagnostic.severity, config::Severity::kWarning) << diagnostic.to_string();
    }
    const auto question = parse_question(text);
    EXPECT_TRUE(question.has_value()) << question.error().message;
    if (!loaded.config || !question) return {};
    CertificateStore certificates;
    auto explained = explain(*loaded.config, *question, certificates);
    EXPECT_TRUE(explained.has_value());
    return explained.value_or(Explanation{});
  }

  const TemporaryFolder folder;
  const std::string kFile = R"(
[[listeners]]
address = ":8443"
[listeners.tls]
certificates = [{ certificate = "cert.pem", private_key = "key.pem" }]
[[listeners]]
address = "127.0.0.1:8080"
trusted_proxies = ["10.0.0.0/8"]
[[routes]]
hosts = ["shop.example"]
path = "/api"
to = "api"
strip_prefix = true
rewrite = "/v1{path}"
preserve_host = false
request_headers = { set = { X-Set = "1" }, remove = ["X-Gone"] }
response_headers = { set = { X-Frame-Options = "DENY" }, remove = ["Server"] }
limits = { max_request_body = "1MiB" }
[[routes]]
hosts = ["shop.example"]
to = "shop"
[[routes]]
hosts = ["*.example.org"]
redirect = "https://shop.example{uri}"
[[routes]]
path = "/only-this"
respond = { status = 404 }
[[routes]]
path = "/inner"
to = "api"
allow = ["10.0.0.0/8", "192.0.2.0/24"]
deny = ["10.6.0.0/16"]
[upstreams.api]
endpoints = ["127.0.0.1:5000", "127.0.0.1:5001"]
balance = "round_robin"
[upstreams.shop]
endpoints = ["127.0.0.1:6000", "127.0.0.1:6001", "127.0.0.1:6002"]
balance = "hash"
hash_on = "header:X-Tenant"
)";
};

TEST_F(ExplainTest, TheEndpointsHeadIsThatOfTheServingCode) {
  const Explanation said = ask({.url = "https://shop.example:8443/api/./orders?a=1",
                                .headers = {"X-Gone: 1", "X-Forwarded-For: 6.6.6.6", "Accept: text/html"},
                                .client = "203.0.113.9"});
  EXPECT_TRUE(said.served) << said.outcome;
  EXPECT_EQ(said.decider.path, "/api/orders");
  EXPECT_EQ(said.asked.protocol, "h2");
  EXPECT_THAT(
      said.endpoint_head,
      ElementsAre("GET /v1/./orders?a=1 HTTP/1.1", "Host: 127.0.0.1:5000", "accept: text/html",
                  "X-Request-Id: (new for each request)", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https",
                  "X-Forwarded-Host: shop.example:8443", "X-Forwarded-Port: 8443", "X-Forwarded-Prefix: /api",
                  "Via: 2 gatehouse-(new at each start)", "X-Set: 1", "Connection: TE", "TE: trailers"));
  ASSERT_TRUE(said.response);
  EXPECT_EQ(said.response->status, 0);
  EXPECT_THAT(said.response->fields, Contains(testing::Pair("X-Frame-Options", "DENY")));
  EXPECT_THAT(said.response->fields, Contains(testing::Pair("Alt-Svc", "h3=\":8443\"; ma=86400")));
  EXPECT_THAT(said.response->removed, ElementsAre("Server"));
  EXPECT_EQ(said.outcome, "forwarded to the upstream api");
}

TEST_F(ExplainTest, AnUpstreamSaysIfItRefusesWhatItsChecksDoubt) {
  for (const bool refuses : {true, false}) {
    const auto said = ask({.url = "https://shop.example:8443/"}, refuses ? "when_all_unhealthy = \"refuse\"\n" : "");
    EXPECT_THAT(said.upstream->settings,
                testing::Contains(testing::Pair("when_all_unhealthy", HasSubstr("503 (no_healthy_endpoint)")))
                    .Times(refuses ? 1 : 0));
  }
}

TEST_F(ExplainTest, TheSameQuestionHasTheSameAnswer) {
  const QuestionText question{.url = "https://shop.example:8443/api"};
  EXPECT_EQ(to_text(ask(question)), to_text(ask(question)));
  EXPECT_EQ(to_json(ask(question)), to_json(ask(question)));
}

TEST_F(ExplainTest, RoutesSayWhyAndWhoElse) {
  const Explanation said = ask({.url = "https://shop.example:8443/api"});
  ASSERT_TRUE(said.route);
  EXPECT_EQ(said.route->name, "shop.example/api");
  EXPECT_THAT(said.route->where, HasSubstr("g.toml:9"));
  EXPECT_EQ(said.route->why, "\"shop.example\" is one of its hosts; its path \"/api\" is the longest that fits there");
  ASSERT_EQ(said.route->others.size(), 1U);
  EXPECT_EQ(said.route->others[0].name, "shop.example/");
  EXPECT_EQ(said.route->others[0].why, "its path \"/\" is shorter");
}

TEST_F(ExplainTest, NoRouteIsAFaultWithItsNearMisses) {
  const Explanation said = ask({.url = "http://127.0.0.1:8080/nothing"});
  EXPECT_FALSE(said.served);
  ASSERT_TRUE(said.fault);
  EXPECT_EQ(said.fault->label, "no_route");
  EXPECT_EQ(said.fault->status, 404);
  EXPECT_EQ(said.outcome, "refused with 404: no_route");
  ASSERT_TRUE(said.route);
  EXPECT_EQ(said.route->name, "");
  EXPECT_EQ(said.route->others.back().why, "its path is \"/inner\"");
}

TEST_F(ExplainTest, APathThatMeansTwoRoutesIsToldWithBoth) {
  for (const char* const protocol : {"h1", "h2", "h3"}) {
    const Explanation said = ask({.url = "https://shop.example:8443/x/..%2fapi/orders?q", .protocol = protocol});
    ASSERT_TRUE(said.fault) << protocol;
    EXPECT_EQ(said.fault->label, "ambiguous_path");
    ASSERT_TRUE(said.route);
    EXPECT_EQ(said.route->name, "");
    EXPECT_THAT(said.route->why, ::testing::StartsWith("\"/x/..%2fapi/orders\" means two routes: as \"/x/..%2Fapi"));
    EXPECT_THAT(said.route->why, ::testing::HasSubstr("and as \"/api/orders\" the route "));
    EXPECT_FALSE(said.upstream);
  }
}

TEST_F(ExplainTest, BadTargetsGetTheFaultOfTheServingCode) {
  const struct {
    const char* url;
    const char* label;
  } kCases[] = {
      {"https://shop.example:8443/../up", "unsafe_target"},
      {"https://shop.example:8443/a%00b", "unsafe_target"},
      {"https://shop.example:8443/a\\b", "unsafe_target"},
  };
  for (const auto& each : kCases) {
    for (const char* const protocol : {"h1", "h2", "h3"}) {
      const Explanation said = ask({.url = each.url, .protocol = protocol});
      ASSERT_TRUE(said.fault) << each.url << ' ' << protocol;
      EXPECT_EQ(said.fault->label, each.label) << protocol;
      EXPECT_FALSE(said.served);
    }
  }
}

TEST_F(ExplainTest, AnotherSitesHostIsMisdirected) {
  const auto pem = make_certificate({.names = {"other.example"}});
  folder.write("other.pem", pem.certificate);
  folder.write("other-key.pem", pem.private_key);
  const std::string listener = R"([[listeners]]
address = ":9443"
[listeners.tls]
certificates = [{ certificate = "cert.pem", private_key = "key.pem" }, { certificate = "other.pem", private_key = "other-key.pem" }]
)";
  const Explanation said = ask({.url = "https://shop.example:9443/", .headers = {"Host: other.example"}}, listener);
  ASSERT_TRUE(said.fault) << said.outcome;
  EXPECT_EQ(said.fault->label, "misdirected");
  EXPECT_EQ(said.fault->status, 421);
}

TEST_F(ExplainTest, ListenersThatTakeCertificatesOfClientsSaySo) {
  folder.write("clients.pem", make_certificate({.names = {"CA"}, .authority = true}).certificate);
  for (const auto& [auth, said_of_it] :
       {std::pair("require", "has to show one too"), std::pair("optional", "is asked for one too")}) {
    const std::string listener = std::string(R"([[listeners]]
address = ":9443"
trusted_proxies = ["10.0.0.0/8"]
[listeners.tls]
certificates = [{ certificate = "cert.pem", private_key = "key.pem" }]
client_ca = "clients.pem"
client_auth = ")") + auth + "\"\n";
    const Explanation said = ask(
        {.url = "https://shop.example:9443/", .headers = {"Client-Cert: :Zm9yZ2Vk:"}, .client = "10.1.2.3"}, listener);
    ASSERT_TRUE(said.certificate);
    EXPECT_THAT(said.certificate->why, HasSubstr(said_of_it));
    ASSERT_EQ(said.stripped.size(), 1U);
    EXPECT_EQ(said.stripped[0].why, "only Gatehouse may say it");
    EXPECT_THAT(said.endpoint_head, Contains("Client-Cert: :(that of the client):"));
  }
}

TEST_F(ExplainTest, ListenersThatTakeEarlyDataSaySo) {
  constexpr std::string_view kListener = R"([[listeners]]
address = ":9443"
protocols = ["h1", "h2"]
[listeners.tls]
certificates = [{ certificate = "cert.pem", private_key = "key.pem" }]
early_data = true
)";
  const Explanation said = ask({.url = "https://shop.example:9443/"}, std::string(kListener));
  ASSERT_TRUE(said.certificate);
  EXPECT_THAT(said.certificate->why, HasSubstr("(early_data)"));
}

TEST_F(ExplainTest, HashingNamesTheEndpointOrSaysWhyNot) {
  const Explanation keyed = ask({.url = "https://shop.example:8443/", .headers = {"X-Tenant: acme"}});
  ASSERT_TRUE(keyed.upstream);
  EXPECT_EQ(keyed.upstream->endpoints.size(), 3U);
  EXPECT_THAT(keyed.upstream->chosen, testing::StartsWith("127.0.0.1:600"));
  EXPECT_EQ(keyed.upstream->balance, "hash: on the header X-Tenant");
  const Explanation bare = ask({.url = "https://shop.example:8443/"});
  EXPECT_EQ(bare.upstream->chosen, "");
  EXPECT_EQ(bare.upstream->balance, "hash: on the header X-Tenant, which this request does not have, so by chance");
}

TEST_F(ExplainTest, CertificatesAreThoseThatTheNameGets) {
  const auto why = [&](const std::string& url) { return ask({.url = url}).certificate->why; };
  EXPECT_EQ(why("https://shop.example:8443/"), "it has the name shop.example");
  EXPECT_EQ(why("https://a.example.org:8443/"), "its wildcard name covers a.example.org");
  EXPECT_EQ(why("https://127.0.0.1:8443/"), "the first: no server name is sent for an IP address");
  EXPECT_THAT(why("https://nobody.example:8443/"), HasSubstr("no certificate is for nobody.example"));
}

TEST_F(ExplainTest, RedirectsAndFixedAnswersNeedNoEndpoint) {
  const Explanation moved = ask({.url = "https://a.example.org:8443/x?y"});
  EXPECT_TRUE(moved.served);
  EXPECT_EQ(moved.outcome, "redirected with 308 to https://shop.example/x?y");
  EXPECT_THAT(moved.endpoint_head, testing::IsEmpty());
  const Explanation fixed = ask({.url = "http://localhost:8080/only-this"});
  EXPECT_TRUE(fixed.served);
  EXPECT_EQ(fixed.outcome, "answered by Gatehouse with 404");
}

TEST_F(ExplainTest, AccessIsByTheEntryThatDecides) {
  struct {
    const char* client;
    const char* access;
    bool served;
  } const cases[] = {{"192.0.2.9", "192.0.2.9 may ask: allow has \"192.0.2.0/24\"", true},
                     {"203.0.113.9", "203.0.113.9 may not ask: allow does not list it", false}};
  for (const auto& one : cases) {
    const Explanation said = ask({.url = "http://localhost:8080/inner", .client = one.client});
    EXPECT_EQ(said.route->access, one.access);
    EXPECT_EQ(said.served, one.served);
    EXPECT_THAT(to_text(said), HasSubstr(one.access));
  }
  const Explanation behind =
      ask({.url = "http://localhost:8080/inner", .headers = {"X-Forwarded-For: 10.6.6.6"}, .client = "10.0.0.1"});
  EXPECT_EQ(behind.route->access, "10.6.6.6 may not ask: deny has \"10.6.0.0/16\"");
  EXPECT_EQ(behind.fault->label, "access_denied");
  EXPECT_TRUE(behind.endpoint_head.empty());
  EXPECT_EQ(ask({.url = "http://localhost:8080/only-this"}).route->access, "");
}

TEST_F(ExplainTest, AListenerThatRedirectsAsksNoRoute) {
  const std::string listener = "[[listeners]]\naddress = \":80\"\nredirect_to_https = true\n";
  const Explanation said = ask({.url = "http://shop.example/api?x"}, listener);
  EXPECT_TRUE(said.served);
  EXPECT_EQ(said.outcome, "redirected with 308 to https://shop.example:8443/api?x");
  EXPECT_FALSE(said.route);
  EXPECT_THAT(said.listener->why, HasSubstr("no route is exempt"));
}

TEST_F(ExplainTest, ATrustedProxyIsBelieved) {
  const Explanation said = ask({.url = "http://shop.example:8080/",
                                .headers = {"X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https"},
                                .client = "10.1.2.3"});
  EXPECT_THAT(said.endpoint_head, Contains("X-Forwarded-For: 198.51.100.7, 10.1.2.3"));
  EXPECT_THAT(said.endpoint_head, Contains("X-Forwarded-Proto: https"));
}

TEST_F(ExplainTest, SaysWhichFieldsOfTheRequestAreStrippedAndWhy) {
  QuestionText question{.url = "http://shop.example:8080/",
                        .headers = {"X-Real-IP: 1.2.3.4", "X_Remote_User: root", "X-Original-URL: /admin",
                                    "Accept: */*", "user_agent: x"},
                        .client = "192.0.2.1"};
  const auto names = [](const Explanation& said) {
    std::string all;
    for (const auto& field : said.stripped) all += field.name + ": " + field.why + "\n";
    return all;
  };
  const Explanation stranger = ask(question);
  EXPECT_EQ(names(stranger),
            "X-Real-IP: only a proxy of trusted_proxies may say it\n"
            "X_Remote_User: only a proxy of trusted_proxies may say it\n"
            "X-Original-URL: only Gatehouse may say it\n"
            "user_agent: another spelling of a name that has a meaning here\n");
  EXPECT_THAT(to_text(stranger), HasSubstr("strips         X-Real-IP: only"));
  EXPECT_THAT(to_json(stranger), HasSubstr("\"why\": \"only Gatehouse may say it\""));
  question.client = "10.1.2.3";
  const Explanation proxy = ask(question);
  EXPECT_EQ(names(proxy),
            "X_Remote_User: another spelling of what only a proxy may say\n"
            "X-Original-URL: only Gatehouse may say it\n"
            "user_agent: another spelling of a name that has a meaning here\n");
  EXPECT_THAT(proxy.endpoint_head, Contains("X-Real-IP: 1.2.3.4"));
}

TEST_F(ExplainTest, LimitsNameTheRoutesOwn) {
  const Explanation said = ask({.url = "https://shop.example:8443/api"});
  const auto body = std::ranges::find(said.limits, "max_request_body", &Explanation::Limit::name);
  ASSERT_NE(body, said.limits.end());
  EXPECT_EQ(body->value, "1MiB");
  EXPECT_TRUE(body->by_route);
}

TEST_F(ExplainTest, NobodyListensThere) {
  const Explanation said = ask({.url = "https://shop.example/"});
  EXPECT_FALSE(said.served);
  EXPECT_EQ(said.outcome,
            "nobody listens on port 443 with TLS; there is :8443 (TLS), 127.0.0.1:8080 (cleartext) (--listener NAME "
            "if something forwards the port)");
  const Explanation wrong = ask({.url = "http://shop.example:8443/"});
  EXPECT_THAT(wrong.outcome, HasSubstr(":8443: speaks TLS"));
  const Explanation named = ask({.url = "https://shop.example/", .listener = ":8443"});
  EXPECT_TRUE(named.served) << named.outcome;
  EXPECT_EQ(ask({.url = "http://127.0.0.1:8080/", .protocol = "h3"}).outcome,
            "the listener 127.0.0.1:8080 does not speak h3");
}

TEST_F(ExplainTest, ARouteOfHttp11SendsOthersBackToIt) {
  const std::string old = "[[routes]]\nhosts = [\"old.example\"]\nrespond = {}\nprotocols = [\"h1\"]\n";
  const Explanation refused = ask({.url = "https://old.example:8443/", .protocol = "h2"}, old);
  ASSERT_TRUE(refused.fault);
  EXPECT_EQ(refused.fault->label, "http11_required");
  EXPECT_FALSE(ask({.url = "https://old.example:8443/", .protocol = "h1"}, old).fault);
}

TEST_F(ExplainTest, AnAppThatIsOfflineAnswersForItself) {
  const std::string app = "[[routes]]\nhosts = [\"app.example\"]\nto = \"web\"\n[apps.web]\ncommand = [\"/bin/app\"]\n";
  const QuestionText question{.url = "https://app.example:8443/"};
  EXPECT_EQ(ask(question, app).outcome, "forwarded to the app web");
  folder.write("app_offline.htm", "back soon");
  const Explanation said = ask(question, app);
  ASSERT_TRUE(said.fault);
  EXPECT_EQ(said.fault->label, "app_offline");
}

TEST(Question, TextThatIsNoneIsRefusedWithItsReason) {
  const auto error_of = [](const QuestionText& text) {
    const auto question = parse_question(text);
    return question ? std::string("fine") : question.error().message;
  };
  EXPECT_THAT(error_of({.url = "shop.example/x"}), HasSubstr("write it as https://shop.example/x"));
  EXPECT_THAT(error_of({.url = "https://user@shop.example/"}), HasSubstr("is no host"));
  EXPECT_THAT(error_of({.url = "https://a/\r\nX: y"}), HasSubstr("control characters"));
  EXPECT_THAT(error_of({.url = "https://a/", .headers = {"no colon"}}), HasSubstr("Name: value"));
  EXPECT_THAT(error_of({.url = "https://a/", .client = "nowhere"}), HasSubstr("--client"));
  EXPECT_THAT(error_of({.url = "https://a/", .protocol = "h4"}), HasSubstr("--protocol"));
  EXPECT_EQ(error_of({.url = "https://[::1]:8443?x#frag"}), "fine");
}

TEST(Question, PartsOfTheUrl) {
  const auto question = parse_question({.url = "HTTPS://Shop.Example.:444?x#frag"});
  ASSERT_TRUE(question);
  EXPECT_TRUE(question->secure);
  EXPECT_EQ(question->host, "shop.example");
  EXPECT_EQ(question->port, 444);
  EXPECT_EQ(question->target, "/?x");
}

}  // namespace
}  // namespace gatehouse
