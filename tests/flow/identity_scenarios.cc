// Who may say what: fields that vouch for somebody, in heads and trailers, and requests that lead back to where they
// came from. The same for every protocol.
#include <algorithm>
#include <cstddef>

#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

constexpr const char* kVouching[] = {
    "x-arr-clientcert", "x-client-cert",    "x-ssl-cert",  "x-ssl-client-cert",   "ssl-client-cert",
    "client-cert",      "remote-user",      "x-real-ip",   "x-cluster-client-ip", "cf-connecting-ip",
    "true-client-ip",   "front-end-https",  "x-scheme",    "x-url-scheme",        "x-ms-client-principal-name",
    "x-original-url",   "x-accel-redirect", "x_real_ip",   "remote_user",         "x.forwarded.for",
    "x_original_url",   "x-sendfile-type",  "x_ssl_cert",  "x-forwarded-email",   "x_forwarded_proto",
    "x-rewrite-url",    "x-client-ip",      "x_client_ip", "x-remote-user",       "ms_aspnetcore_token",
};

Fields vouching() {
  Fields fields;
  for (const char* name : kVouching) fields.emplace_back(name, "evil");
  fields.emplace_back("x-kept", "yes");
  return fields;
}

void call_us(Flow& f, const std::string& listener, const std::string& route) {
  f.options.policy.pseudonym = listener;
  f.options.route.pseudonym = route;
}

std::string version_of(Protocol protocol) {
  if (protocol == Protocol::kH3) return "3";
  if (protocol == Protocol::kH2) return "2";
  return protocol == Protocol::kH10 ? "1.0" : "1.1";
}

// What a listener without TLS speaks.
constexpr Protocol kCleartext[] = {Protocol::kH1, Protocol::kH2};

const Table kTable = {
    {"AStrangerVouchesForNobody",
     [](Flow& f) {
       const Stream s = f.get("/", vouching());
       App& app = f.accept_request();
       EXPECT_EQ(app.head().find("evil"), std::string::npos) << app.head();
       EXPECT_EQ(app.field("X-Kept"), "yes");
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
     }},
    {"ATrustedProxyVouchesInProperSpelling",
     [](Flow& f) {
       f.options.policy.trusted_proxies = {AddressRange::parse("192.0.2.0/24").value()};
       const Stream s = f.get("/", {{"remote-user", "alice"},
                                    {"x-real-ip", "203.0.113.9"},
                                    {"x_remote_user", "evil"},
                                    {"x_real_ip", "evil"},
                                    {"ms-aspnetcore-user", "evil"}});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("Remote-User"), "alice");
       EXPECT_EQ(app.field("X-Real-IP"), "203.0.113.9");
       EXPECT_EQ(app.head().find("evil"), std::string::npos) << app.head();
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
     }},
    {"AClientThatCameToATrustedProxyByHttpsIsServedAndNotRedirected",
     [](Flow& f) {
       f.options.policy.trusted_proxies = {AddressRange::parse("192.0.2.0/24").value()};
       f.options.policy.redirect_to_https = true;
       const Stream s = f.get("/", {{"x-forwarded-proto", "https"}});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("X-Forwarded-Proto"), "https");
       f.respond(app, ok("here"), s);
       f.expect_response(s, 200, "here");
       f.expect_response(f.get("/", {{"x-forwarded-proto", "http"}}), 308, "");
       f.expect_response(f.get("/"), 308, "");
       f.finish(Flow::Probe::kNo);  // whose client would be redirected
     },
     kCleartext},
    {"AStrangerIsRedirectedWhateverItSaysOfHttps",
     [](Flow& f) {
       f.options.policy.redirect_to_https = true;
       f.expect_response(f.get("/", {{"x-forwarded-proto", "https"}}), 308, "");
       EXPECT_TRUE(f.nobody_connects());
       f.finish(Flow::Probe::kNo);
     },
     kCleartext},
    {"ARouteStaysOutOfTheRedirectWhateverAProxySays",
     [](Flow& f) {
       f.options.policy.trusted_proxies = {AddressRange::parse("192.0.2.0/24").value()};
       f.options.policy.redirect_to_https = true;
       f.options.route.redirect_to_https = false;
       const Stream first = f.get("/", {{"x-forwarded-proto", "http"}});
       App& app = f.accept_request();
       f.respond(app, ok("one"), first);
       f.expect_response(first, 200, "one");
       const Stream second = f.get("/", {{"x-forwarded-proto", "https"}});
       f.await_head(app);
       f.respond(app, ok("two"), second);
       f.expect_response(second, 200, "two");
       f.finish(Flow::Probe::kNo);
     },
     kCleartext},
    {"ClientIsWhomXRealIpOfATrustedProxyNamesWhereThatIsBelieved",
     [](Flow& f) {
       f.options.policy.trusted_proxies = {AddressRange::parse("192.0.2.0/24").value()};
       f.options.policy.client_address = ClientAddress::kXRealIp;
       f.options.route.real_ip = true;
       const Stream s = f.get("/", {{"x-real-ip", "203.0.113.9"}, {"x-forwarded-for", "6.6.6.6"}});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("X-Real-IP"), "203.0.113.9");
       EXPECT_EQ(app.field("X-Forwarded-For"), "203.0.113.9, " + std::string(Front::kClientAddress));
       EXPECT_EQ(app.head().find("6.6.6.6"), std::string::npos);
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
     }},
    {"EarlyDataIsPassedOnAndTooEarlyComesBack",
     [](Flow& f) {
       const Stream s = f.get("/", {{"early-data", "1"}, {"early_data", "evil"}});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("Early-Data"), "1");
       EXPECT_EQ(app.head().find("evil"), std::string::npos) << app.head();
       f.respond(app, "HTTP/1.1 425 Too Early\r\nContent-Length: 0\r\n\r\n", s);
       f.expect_response(s, 425, "");
     }},
    {"WhereClientsShowCertificatesNobodyElseSaysWhichOne",
     [](Flow& f) {
       f.options.policy.trusted_proxies = {AddressRange::parse("192.0.2.0/24").value()};
       f.options.policy.client_auth = ClientAuth::kOptional;
       const Stream s = f.get(
           "/",
           {{"client-cert", "evil"}, {"client-cert-chain", "evil"}, {"client_cert", "evil"}, {"remote-user", "alice"}});
       App& app = f.accept_request();
       EXPECT_EQ(app.head().find("evil"), std::string::npos) << app.head();
       EXPECT_EQ(app.field("Remote-User"), "alice");
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
     }},
    {"WhatTheListenerStripsIsFromNobody",
     [](Flow& f) {
       f.options.policy.trusted_proxies = {AddressRange::parse("192.0.2.0/24").value()};
       f.options.policy.strip = {"X-Acme-*"};
       const Stream s = f.get("/", {{"x-acme-user", "evil"}, {"x_acme_user", "evil"}, {"x-acme", "kept"}});
       App& app = f.accept_request();
       EXPECT_EQ(app.head().find("evil"), std::string::npos) << app.head();
       EXPECT_EQ(app.field("X-Acme"), "kept");
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
     }},
    {"TrailersVouchForNobody",
     [](Flow& f) {
       f.options.policy.strip = {"X-Acme-*"};
       Fields trailers = vouching();
       trailers.pop_back();  // x-kept, which goes with each part
       for (const char* name : {"x-acme-user", "x_forwarded_for", "authorization", "cookie", "x_request_id"}) {
         trailers.emplace_back(name, "evil");
       }
       // As many at a time as trailers may be.
       for (std::size_t first = 0; first < trailers.size(); first += 20) {
         const auto last = trailers.begin() + static_cast<std::ptrdiff_t>(std::min(first + 20, trailers.size()));
         Fields some(trailers.begin() + static_cast<std::ptrdiff_t>(first), last);
         some.emplace_back("x-kept", "yes");
         const Stream s = f.open_post(BodyLength::unknown());
         f.client().send(s, "body");
         f.client().finish(s, some);
         App& app = f.accept();
         f.await_request(app);
         EXPECT_EQ(app.body(), "body");
         EXPECT_EQ(app.trailers(), "x-kept: yes\r\n");
         f.respond(app, ok("", "Connection: close\r\n"), s);
         f.expect_response(s, 200, "");
       }
     }},
    {"NominationTakesNothingOfOurs",
     [](Flow& f) {
       f.options.route.real_ip = true;
       call_us(f, "aa", "bb");
       const Stream s = f.get("/", {{"connection", "x-real-ip, x-forwarded-for, via, x-request-id, x-mine"},
                                    {"x-real-ip", "6.6.6.6"},
                                    {"x-mine", "1"}});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("X-Real-IP"), Front::kClientAddress);
       EXPECT_EQ(app.field("X-Forwarded-For"), Front::kClientAddress);
       EXPECT_EQ(app.field("Via"), "1.1 gatehouse-aabb");
       EXPECT_EQ(app.field("X-Request-Id").size(), 32U);
       EXPECT_FALSE(app.has("X-Mine"));
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
     },
     kOnlyH1},
    {"ViaTellsTheAppWhomTheRequestPassed",
     [](Flow& f) {
       call_us(f, "aa", "bb");
       const Stream s = f.get("/", {{"via", "1.0 fred"}});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("Via"), "1.0 fred, " + version_of(f.protocol()) + " gatehouse-aabb");
       f.respond(app, ok("x"), s);
       EXPECT_EQ(f.response(s).field("via"), "");
       f.expect_response(s, 200, "x");
     }},
    {"RequestThatHasBeenHereBeforeIs508",
     [](Flow& f) {
       call_us(f, "aa", "bb");
       const Stream s = f.get("/", {{"via", "1.1 gatehouse-aabb, 1.1 elsewhere"}});
       f.expect_fault(s, Fault::kLoopDetected);
       EXPECT_EQ(f.response(s).status, 508);
       EXPECT_NE(f.response(s).field("proxy-status").find("error=proxy_loop_detected"), std::string::npos);
       EXPECT_TRUE(f.nobody_connects());
     }},
    {"AnotherListenerOrRouteOfOursIsNoLoop",
     [](Flow& f) {
       call_us(f, "aa", "bb");
       const Stream s = f.get("/", {{"via", "1.1 gatehouse-aacc, 1.1 gatehouse-ccbb"}});
       App& app = f.accept_request();
       f.respond(app, ok("x"), s);
       f.expect_response(s, 200, "x");
     }},
};

}  // namespace
}  // namespace gatehouse::flow
