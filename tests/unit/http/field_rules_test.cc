#include "proxy/http/field_rules.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/h1_trace.h"

namespace gatehouse {
namespace {

using field_rules::check_request;
using testing::text_of;

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

FieldList list_of(const Fields& fields) {
  FieldList list;
  for (const auto& [name, value] : fields) list.add(name, value);
  return list;
}

RawRequest h1(const Fields& fields, std::string_view method = "GET", std::string_view target = "/") {
  RawRequest raw{.protocol = Protocol::kH1, .method = std::string(method), .target = std::string(target)};
  raw.fields = list_of(fields);
  return raw;
}

RawRequest h2(const Fields& fields = {}, std::string_view method = "GET", std::string_view target = "/") {
  RawRequest raw = h1(fields, method, target);
  raw.protocol = Protocol::kH2;
  raw.scheme = "https";
  raw.authority = "a";
  raw.has_authority = true;
  return raw;
}

// What becomes of it: the fault's label, or the members that a rule can change, and the fields.
std::string checked(RawRequest raw, const HeadLimits& limits = {}) {
  const auto head = check_request(raw, limits);
  if (!head) return std::string(rule(head.error()).label);
  std::string text = head->method + " " + head->authority + " " + head->target + " " + text_of(head->body);
  if (!head->match_path.empty()) text += " match=" + head->match_path;
  if (head->path_is_ambiguous) text += " ambiguous";
  if (head->target_needs_escapes) text += " escapes";
  if (head->expects_continue) text += " continue";
  if (head->accepts_trailers) text += " trailers";
  return text + "\n" + text_of(head->fields);
}

constexpr std::string_view kMalformed = "malformed_request";

TEST(FieldRulesH1, TakesFramingAndHostOutOfTheFields) {
  EXPECT_EQ(checked(h1({{"Host", "A.example:80"}, {"X", "y"}, {"Content-Length", "005"}}, "POST", "/p?q")),
            "POST a.example:80 /p?q known 5\nX: y\n");
  EXPECT_EQ(checked(h1({{"Host", "a"}, {"Transfer-Encoding", "Chunked"}}, "POST")), "POST a / unknown\n");
  EXPECT_EQ(checked(h1({{"Host", "a"}})), "GET a / none\n");
  EXPECT_EQ(checked(h1({{"Host", "a"}, {"Content-Length", "0"}})), "GET a / known 0\n");
}

TEST(FieldRulesH1, InsistsOnOneGoodHost) {
  EXPECT_EQ(checked(h1({})), kMalformed);
  EXPECT_EQ(checked(h1({{"Host", ""}})), kMalformed);
  EXPECT_EQ(checked(h1({{"Host", "a"}, {"Host", "a"}})), kMalformed);
  EXPECT_EQ(checked(h1({{"Host", "a"}, {"host", "b"}})), kMalformed);
  EXPECT_EQ(checked(h1({{"Host", "a/b"}})), kMalformed);
  EXPECT_EQ(checked(h1({{"Host", "u@a"}})), kMalformed);
  EXPECT_EQ(checked(h1({{"Host", "EXAMPLE.com."}})), "GET example.com / none\n");
  EXPECT_EQ(checked(h1({{"Host", "EXAMPLE.com:"}})), "GET example.com / none\n");
  EXPECT_EQ(checked(h1({{"Host", ":"}})), kMalformed);
}

TEST(FieldRulesH1, Http10MayComeWithoutHost) {
  RawRequest raw = h1({});
  raw.protocol = Protocol::kH10;
  EXPECT_EQ(checked(std::move(raw)), "GET  / none\n");
  raw = h1({{"Host", "bad host"}});
  raw.protocol = Protocol::kH10;
  EXPECT_EQ(checked(std::move(raw)), kMalformed);
  raw = h1({{"Transfer-Encoding", "chunked"}});
  raw.protocol = Protocol::kH10;
  EXPECT_EQ(checked(std::move(raw)), kMalformed);
}

TEST(FieldRulesH1, AuthorityOfTheAbsoluteFormTakesThePlaceOfHost) {
  EXPECT_EQ(checked(h1({{"Host", "A:80"}}, "GET", "http://a.:80/x")), "GET a:80 /x none\n");
  EXPECT_EQ(checked(h1({{"Host", "b"}}, "GET", "http://a/x")), "GET a /x none\n");
  EXPECT_EQ(checked(h1({{"Host", ""}}, "GET", "http://A:/x")), "GET a /x none\n");
  EXPECT_EQ(checked(h1({}, "GET", "http://a/x")), kMalformed);
  EXPECT_EQ(checked(h1({{"Host", "b"}, {"Host", "b"}}, "GET", "http://a/x")), kMalformed);
  EXPECT_EQ(checked(h1({{"Host", "b/c"}}, "GET", "http://a/x")), kMalformed);
  EXPECT_EQ(checked(h1({{"Host", "a"}}, "GET", "http://u@a/x")), kMalformed);
  RawRequest raw = h1({}, "GET", "http://a/x");
  raw.protocol = Protocol::kH10;
  EXPECT_EQ(checked(std::move(raw)), "GET a /x none\n");
}

TEST(FieldRules, RefuseMethodsThatAProxyInFrontOfASiteHasNoUseFor) {
  EXPECT_EQ(checked(h1({{"Host", "a"}}, "CONNECT", "a:443")), "method_not_allowed");
  EXPECT_EQ(checked(h1({{"Host", "a"}}, "TRACE")), "method_not_allowed");
  EXPECT_EQ(checked(h1({{"Host", "a"}}, "")), kMalformed);
  EXPECT_EQ(checked(h1({{"Host", "a"}}, "G ET")), kMalformed);
  EXPECT_EQ(checked(h1({{"Host", "a"}}, std::string(33, 'M'))), kMalformed);
  EXPECT_EQ(checked(h2({}, "CONNECT", "/")), kMalformed) << "CONNECT has no :path";
  RawRequest raw = h2({}, "CONNECT", "");
  raw.scheme.clear();
  EXPECT_EQ(checked(std::move(raw)), "method_not_allowed");
}

TEST(FieldRules, AsteriskIsForOptionsOnly) {
  EXPECT_EQ(checked(h1({{"Host", "a"}}, "OPTIONS", "*")), "OPTIONS a * none\n");
  EXPECT_EQ(checked(h1({{"Host", "a"}}, "GET", "*")), kMalformed);
  EXPECT_EQ(checked(h2({}, "GET", "*")), kMalformed);
}

TEST(FieldRules, OnlyOneExpectationIsUnderstood) {
  const auto with = [](std::string_view value) {
    return h1({{"Host", "a"}, {"Content-Length", "1"}, {"Expect", value}}, "POST");
  };
  EXPECT_EQ(checked(with("100-Continue")), "POST a / known 1 continue\n");
  for (const std::string_view bad : {"y", "y 100-continue", "100-continue, x", "100-continue;q=1"}) {
    EXPECT_EQ(checked(with(bad)), "expectation_failed") << bad;
  }
  EXPECT_EQ(checked(h1({{"Host", "a"}, {"Expect", "100-continue"}, {"Expect", "100-continue"}})), "expectation_failed");
  EXPECT_EQ(checked(with("")), "POST a / known 1\n") << "an empty list";
  EXPECT_EQ(checked(h1({{"Host", "a"}, {"Expect", "100-continue"}})), "GET a / none\n")
      << "no body, nothing to wait for";
  RawRequest old = with("100-continue");
  old.protocol = Protocol::kH10;
  EXPECT_EQ(checked(std::move(old)), "POST a / known 1\n");
}

TEST(FieldRules, AmbiguousFramingIsRefused) {
  for (const Fields& bad : std::vector<Fields>{{{"Content-Length", "5"}, {"Content-Length", "5"}},
                                               {{"Content-Length", "5, 5"}},
                                               {{"Content-Length", "+5"}},
                                               {{"Content-Length", ""}},
                                               {{"Content-Length", "18446744073709551616"}},
                                               {{"Content_Length", "5"}},
                                               {{"Content.Length", "5"}},
                                               {{"transfer~encoding", "chunked"}},
                                               {{"transfer_encoding", "chunked"}}}) {
    Fields fields = bad;
    EXPECT_EQ(checked(h2(fields)), kMalformed) << bad.front().first;
    fields.emplace_back("Host", "a");
    EXPECT_EQ(checked(h1(fields)), kMalformed) << bad.front().first;
  }
  EXPECT_EQ(checked(h1({{"Host", "a"}, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}})), kMalformed);
  EXPECT_EQ(checked(h1({{"Host", "a"}, {"Transfer-Encoding", "gzip, chunked"}})), "coding_not_implemented");
}

TEST(FieldRules, FramingAndHostCannotBeNominatedAsHopByHop) {
  for (const std::string_view name : {"Content-Length", "HOST", "close, transfer-encoding"}) {
    EXPECT_EQ(checked(h1({{"Host", "a"}, {"Connection", name}})), kMalformed) << name;
  }
  EXPECT_EQ(checked(h1({{"Host", "a"}, {"Connection", "close, Cookie"}})), "GET a / none\nConnection: close, Cookie\n");
}

TEST(FieldRules, NamesThatPassForOursAreDropped) {
  EXPECT_EQ(checked(h1({{"Host", "a"}, {"X_Forwarded_For", "1.2.3.4"}, {"my_field", "1"}, {"Client_Cert", "x"}})),
            "GET a / none\nmy_field: 1\n");
}

TEST(FieldRulesH2, TakesTheAuthorityFromEitherPlace) {
  EXPECT_EQ(checked(h2()), "GET a / unknown trailers\n");
  EXPECT_EQ(checked(h2({{"host", "A."}})), "GET a / unknown trailers\n");
  EXPECT_EQ(checked(h2({{"host", "A:"}})), "GET a / unknown trailers\n");
  EXPECT_EQ(checked(h2({{"host", "b"}})), kMalformed);
  EXPECT_EQ(checked(h2({{"host", "a"}, {"host", "a"}})), kMalformed);
  RawRequest raw = h2({{"host", "b:1"}});
  raw.has_authority = false;
  raw.authority.clear();
  EXPECT_EQ(checked(std::move(raw)), "GET b:1 / unknown trailers\n");
  raw = h2();
  raw.has_authority = false;
  EXPECT_EQ(checked(std::move(raw)), kMalformed);
  raw = h2({{"host", "a"}});
  raw.authority.clear();
  EXPECT_EQ(checked(std::move(raw)), kMalformed) << "an empty :authority";
}

TEST(FieldRulesH2, KnowsTheBodyFromLengthAndEnd) {
  RawRequest raw = h2({{"content-length", "5"}});
  EXPECT_EQ(checked(std::move(raw)), "GET a / known 5 trailers\n");
  raw = h2({{"content-length", "5"}});
  raw.end_of_message = true;
  EXPECT_EQ(checked(std::move(raw)), kMalformed);
  raw = h2({{"content-length", "0"}});
  raw.end_of_message = true;
  EXPECT_EQ(checked(std::move(raw)), "GET a / known 0 trailers\n");
  raw = h2();
  raw.end_of_message = true;
  EXPECT_EQ(checked(std::move(raw)), "GET a / none trailers\n");
}

TEST(FieldRulesH2, RefusesPseudoFieldsThatMakeNoSense) {
  for (const std::string_view scheme : {"", "ftp", "http://evil/x?", "https "}) {
    RawRequest raw = h2();
    raw.scheme = scheme;
    EXPECT_EQ(checked(std::move(raw)), kMalformed) << scheme;
  }
  for (const std::string_view path : {"", "x", "http://a/"}) {
    EXPECT_EQ(checked(h2({}, "GET", path)), kMalformed) << path;
  }
  for (const std::string_view path : {"/a b", "/\r\n", "/#", "/a\\b", "/?a b", "/?\n", "/?#", "/?\x7f"}) {
    EXPECT_EQ(checked(h2({}, "GET", path)), "unsafe_target") << path;
    EXPECT_EQ(checked(h1({{"Host", "a"}}, "GET", path)), "unsafe_target") << path;
  }
  for (const std::string_view authority : {"a\r\nb", "a/b", "u@a", "a b", "a,b", ""}) {
    RawRequest raw = h2();
    raw.authority = authority;
    EXPECT_EQ(checked(std::move(raw)), kMalformed) << authority;
  }
}

TEST(FieldRulesH2, RefusesFieldsThatDoNotBelongThere) {
  for (const Fields& bad : std::vector<Fields>{{{"connection", "close"}},
                                               {{"keep-alive", "1"}},
                                               {{"proxy-connection", "close"}},
                                               {{"upgrade", "h2c"}},
                                               {{"transfer-encoding", "chunked"}},
                                               {{"te", "gzip"}},
                                               {{"te", "trailers, gzip"}},
                                               {{"Upper", "x"}},
                                               {{":path", "/"}},
                                               {{"", "x"}},
                                               {{"a b", "x"}},
                                               {{"a\r\nb", "x"}},
                                               {{"\x80", "x"}},
                                               {{"x", "a\r\nb"}},
                                               {{"x", std::string_view("a\0b", 3)}},
                                               {{"x", " a"}},
                                               {{"x", "a\t"}}}) {
    EXPECT_EQ(checked(h2(bad)), kMalformed) << bad.front().first << ": " << bad.front().second;
    RawRequest h3 = h2(bad);
    h3.protocol = Protocol::kH3;
    EXPECT_EQ(checked(std::move(h3)), kMalformed) << bad.front().first << ": " << bad.front().second;
  }
  EXPECT_EQ(checked(h2({{"te", "trailers"}})), "GET a / unknown trailers\nte: trailers\n");
}

TEST(FieldRules, CookieCrumbsAreJoined) {
  EXPECT_EQ(checked(h2({{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}, {"cookie", "c=3"}})),
            "GET a / unknown trailers\ncookie: a=1; b=2; c=3\nx: y\n");
}

TEST(FieldRules, AHeadBeyondItsLimitsIsRefusedForTheLimitThatItHasPassed) {
  const HeadLimits limits{.max_target_bytes = 4};
  EXPECT_EQ(checked(h2({}, "GET", "/1234"), limits), "target_too_long");
  EXPECT_EQ(checked(h2({}, "GET", "/123"), limits), "GET a /123 unknown trailers\n");
  RawRequest raw = h2();
  raw.too_large = true;
  EXPECT_EQ(checked(std::move(raw)), "headers_too_large");
}

TEST(FieldRules, KeepsThePathAsSentAndDecidesByWhatItMeans) {
  EXPECT_EQ(checked(h2({}, "GET", "/x/../%61dmin;v=1?q=..")),
            "GET a /x/../%61dmin;v=1?q=.. unknown match=/admin ambiguous trailers\n");
  EXPECT_EQ(checked(h2({}, "GET", "/a//b/./c")), "GET a /a//b/./c unknown match=/a/b/c ambiguous trailers\n");
  EXPECT_EQ(checked(h2({}, "GET", "/a%2Fb")), "GET a /a%2Fb unknown match=/a/b ambiguous trailers\n");
  EXPECT_EQ(checked(h2({}, "GET", "/.well-known/x")), "GET a /.well-known/x unknown trailers\n");
  EXPECT_EQ(checked(h2({}, "GET", "/a|b?\xc3\xa4")), "GET a /a|b?\xc3\xa4 unknown match=/a%7Cb escapes trailers\n");
  EXPECT_EQ(checked(h2({}, "GET", "/a/../../b")), "unsafe_target");
  EXPECT_EQ(checked(h1({{"Host", "a"}}, "GET", "http://a/x/..%2f..%2fy")), "unsafe_target");
}

TEST(FieldRules, TrailersAreAskedForByTe) {
  EXPECT_EQ(checked(h1({{"Host", "a"}, {"TE", "deflate;q=0.5, Trailers"}, {"Connection", "TE"}})),
            "GET a / none trailers\nTE: deflate;q=0.5, Trailers\nConnection: TE\n");
}

TEST(HopByHop, FieldsAndNominatedOnesAreRemoved) {
  FieldList fields = list_of({{"Keep-Alive", "1"},
                              {"Connection", "close, X-Mine"},
                              {"A", "1"},
                              {"x-mine", "2"},
                              {"connection", "Cookie,, ,Host"},
                              {"Cookie", "c"},
                              {"TE", "trailers"},
                              {"Trailer", "X"},
                              {"Upgrade", "h2c"},
                              {"HTTP2-Settings", "x"},
                              {"Proxy-Authorization", "x"},
                              {"Proxy-Authenticate", "x"},
                              {"Proxy-Connection", "close"},
                              {"Host", "h"},
                              {"Close", "stays"}});
  field_rules::remove_hop_by_hop(fields);
  EXPECT_EQ(text_of(fields), "A: 1\nHost: h\nClose: stays\n");
}

TEST(HopByHop, ThousandsOfNominatedNamesAreAllSeen) {
  std::string nominated = "Zebra";
  for (int i = 0; i < 5000; ++i) nominated += ",x-name-" + std::to_string(i);
  FieldList fields = list_of({{"X-Name-4711", "1"}, {"ZEBRA", "2"}, {"Kept", "3"}, {"Connection", nominated}});
  field_rules::remove_hop_by_hop(fields);
  EXPECT_EQ(text_of(fields), "Kept: 3\n");
}

TEST(Trailers, LoseWhatWouldChangeTheMessage) {
  const Fields sent = {{"Checksum", "1"},
                       {"Content-Length", "5"},
                       {"Transfer-Encoding", "chunked"},
                       {"Host", "evil"},
                       {"Authorization", "x"},
                       {"Cookie", "x"},
                       {"X-Forwarded-For", "1.2.3.4"},
                       {"X-Forwarded-Anything", "x"},
                       {"content_length", "5"},
                       {"Set-Cookie", "x"},
                       {"Content-Type", "x"},
                       {"X-Original-URL", "/"},
                       {"x_forwarded_for", "1.2.3.4"},
                       {"x_forwarded_anything", "x"},
                       {"X.Real.IP", "1.2.3.4"},
                       {"Remote-User", "root"},
                       {"x_remote_user", "root"},
                       {"X-SSL-Client-Cert", "x"},
                       {"cache_control", "x"},
                       {"set_cookie", "x"},
                       {"Proxy-Anything", "x"},
                       {"grpc-status", "0"}};
  const auto kept = field_rules::check_request_trailers(list_of(sent), Protocol::kH1, {});
  ASSERT_TRUE(kept);
  EXPECT_EQ(text_of(*kept), "Checksum: 1\ngrpc-status: 0\n");
  EXPECT_EQ(text_of(field_rules::check_response_trailers(list_of(sent))), "Checksum: 1\ngrpc-status: 0\n");
}

TEST(Trailers, OfAResponseMayHaveTheWordOfAProxy) {
  const Fields sent = {{"Proxy-Status", "inner; error=dns_error"}, {"Proxy_Status", "x"}, {"Proxy-Other", "x"}};
  EXPECT_EQ(text_of(field_rules::check_response_trailers(list_of(sent))), "Proxy-Status: inner; error=dns_error\n");
  EXPECT_EQ(text_of(*field_rules::check_request_trailers(list_of(sent), Protocol::kH1, {})), "");
}

TEST(Trailers, LoseWhatTheListenerStrips) {
  const ListenerPolicy policy{.strip = {"X-Acme-*"}};
  const auto kept = field_rules::check_request_trailers(
      list_of({{"X-Acme-User", "x"}, {"x_acme_role", "x"}, {"X-Acme", "y"}}), Protocol::kH1, policy);
  ASSERT_TRUE(kept);
  EXPECT_EQ(text_of(*kept), "X-Acme: y\n");
}

TEST(Trailers, OfH2AndH3AreAFaultWhenInvalid) {
  for (const auto& [name, value] : Fields{{":path", "/"},
                                          {"Upper", "x"},
                                          {"connection", "close"},
                                          {"content-length", "1"},
                                          {"transfer-encoding", "x"},
                                          {"host", "x"},
                                          {"a", "b\r\nc"},
                                          {"a", " b"},
                                          {"", "x"}}) {
    for (const Protocol protocol : {Protocol::kH2, Protocol::kH3}) {
      const auto result = field_rules::check_request_trailers(list_of({{name, value}}), protocol, {});
      EXPECT_EQ(result.error_or(Fault::kInternalError), Fault::kRequestBodyInvalid) << name;
    }
  }
  EXPECT_TRUE(field_rules::check_request_trailers(list_of({{"a", "b"}}), Protocol::kH2, {}));
}

// The transport says which hosts are elsewhere; it is asked last, and with the host as it is matched.
TEST(Misdirected, IsAFaultThatLeavesWhatTheLogTellsOf) {
  std::string asked;
  const auto elsewhere = [&](std::string_view host) { return (asked = host) == "b.example"; };
  RawRequest raw = h1({{"Host", "B.example:443"}}, "PUT", "/./x?q");
  const auto head = check_request(raw, {}, elsewhere);
  EXPECT_EQ(head.error_or(Fault::kInternalError), Fault::kMisdirected);
  const RequestHead rejected = field_rules::rejected_head(std::move(raw));
  EXPECT_EQ(rejected.method + " " + rejected.authority + " " + rejected.target, "PUT b.example:443 /./x?q");
  raw = h1({{"Host", "a.example"}});
  EXPECT_TRUE(check_request(raw, {}, elsewhere));
  EXPECT_EQ(asked, "a.example");
  raw = h1({{"Host", "b.example"}, {"Content-Length", "x"}});
  EXPECT_EQ(check_request(raw, {}, elsewhere).error_or(Fault::kMisdirected), Fault::kMalformedRequest);
}

TEST(FieldValue, HasNoControlBytesAndNoSpaceAround) {
  for (const std::string_view good : {"", "a", "a b\tc", "\x80\xff", "12345678\t12345678"})
    EXPECT_TRUE(field_rules::is_field_value(good)) << good;
  for (std::size_t at = 0; at < 20; ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string text(20, 'x');
      text[at] = static_cast<char>(c);
      const bool at_edge = at == 0 || at == 19;
      const bool bad = (c < 0x20 && c != '\t') || c == 0x7f || (at_edge && (c == ' ' || c == '\t'));
      EXPECT_EQ(field_rules::is_field_value(text), !bad) << at << " " << c;
    }
  }
}

}  // namespace
}  // namespace gatehouse
