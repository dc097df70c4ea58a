// What vouches for somebody: the table, its spellings, and the guide that prints it.
#include "proxy/http/asserted_fields.h"

#include <algorithm>
#include <format>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "common/text.h"
#include "proxy/http/disguise.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using asserted_fields::From;
using asserted_fields::judge;
using asserted_fields::Row;
using asserted_fields::rows;
using asserted_fields::Speaker;
using asserted_fields::Verdict;

// One name that the row means.
std::string example_of(const Row& row) {
  std::string name(row.name);
  if (name.ends_with('*')) name.replace(name.size() - 1, 1, name.ends_with("-*") ? "User" : "-Anything");
  return name;
}

std::string with_marks(std::string name, char mark) {
  std::ranges::replace(name, '-', mark);
  return name;
}

TEST(AssertedFields, EachIsFoundInEverySpelling) {
  for (const Row& row : rows()) {
    const std::string name = example_of(row);
    EXPECT_EQ(asserted_fields::find(name), &row) << name;
    EXPECT_EQ(asserted_fields::find(text::lower(name)), &row) << name;
    for (const char mark : {'_', '.', '~', '!'}) EXPECT_EQ(asserted_fields::find(with_marks(name, mark)), &row) << name;
  }
}

TEST(AssertedFields, WhereClientsShowCertificatesNobodyElseSaysWhichOne) {
  ListenerPolicy policy;
  for (const ClientAuth auth : {ClientAuth::kNone, ClientAuth::kOptional, ClientAuth::kRequire}) {
    policy.client_auth = auth;
    const Speaker proxy{.listener = &policy, .trusted = true};
    const Verdict expected = auth == ClientAuth::kNone ? Verdict::kStays : Verdict::kOurs;
    EXPECT_EQ(judge("Client-Cert", proxy), expected);
    EXPECT_EQ(judge("client-cert-chain", proxy), expected);
    EXPECT_EQ(judge("Client_Cert", proxy), auth == ClientAuth::kNone ? Verdict::kDisguised : Verdict::kOurs);
    EXPECT_EQ(judge("X-SSL-Client-Cert", proxy), Verdict::kStays);
    EXPECT_EQ(judge("Client-Cert", {.listener = &policy, .trusted = false}), Verdict::kUntrusted);
  }
}

TEST(AssertedFields, AStrangerSaysNoneATrustedProxyThoseThatAreItsToSay) {
  for (const Row& row : rows()) {
    const std::string name = example_of(row);
    const bool ours = row.from == From::kOurs;
    EXPECT_EQ(judge(name, {}), ours ? Verdict::kOurs : Verdict::kUntrusted) << name;
    EXPECT_EQ(judge(name, {.trusted = true}), ours ? Verdict::kOurs : Verdict::kStays) << name;
    const std::string disguised = with_marks(name, '_');
    if (disguised == name) continue;
    EXPECT_NE(judge(disguised, {}), Verdict::kStays) << disguised;
    EXPECT_EQ(judge(disguised, {.trusted = true}), ours ? Verdict::kOurs : Verdict::kDisguised) << disguised;
  }
}

TEST(AssertedFields, WhatHonestClientsSendStays) {
  for (const std::string_view name : {"Accept",
                                      "Accept-Language",
                                      "Authorization",
                                      "Cookie",
                                      "Content-Type",
                                      "DNT",
                                      "Origin",
                                      "Priority",
                                      "Range",
                                      "Referer",
                                      "Sec-CH-UA",
                                      "Sec-Fetch-Mode",
                                      "Sec-WebSocket-Key",
                                      "SOAPAction",
                                      "TE",
                                      "traceparent",
                                      "tracestate",
                                      "User-Agent",
                                      "Via",
                                      "X",
                                      "X-",
                                      "x_",
                                      "X-API-Key",
                                      "X-Amz-Date",
                                      "X-Amzn-Trace-Id",
                                      "X-B3-TraceId",
                                      "X-Client-Data",
                                      "X-Client-Version",
                                      "X-CSRF-Token",
                                      "X-Goog-Api-Key",
                                      "X-HTTP-Method-Override",
                                      "X-MS-Date",
                                      "x-ms-version",
                                      "X-Original",
                                      "X-Request-Id",
                                      "X-Requested-With",
                                      "X-Shop-Pod",
                                      "api_key",
                                      "client_id",
                                      "Proxyless",
                                      "Remote",
                                      "Client-Id",
                                      "Forward",
                                      "grpc-timeout",
                                      "If-None-Match",
                                      "CF-Ray",
                                      "CDN-Loop"}) {
    EXPECT_EQ(judge(name, {}), Verdict::kStays) << name;
  }
  EXPECT_EQ(asserted_fields::find(""), nullptr);
}

TEST(AssertedFields, AListenersOwnNamesAreFromNobodyAtAll) {
  const ListenerPolicy policy{.strip = {"X-Acme-*", "X-Tenant", "X-Real-IP"}};
  for (const bool trusted : {false, true}) {
    const Speaker speaker{.listener = &policy, .trusted = trusted};
    for (const std::string_view name : {"X-Acme-User", "x_acme_user", "X-TENANT", "X.Tenant", "X-Real-IP"}) {
      EXPECT_EQ(judge(name, speaker), Verdict::kListener) << name;
    }
    for (const std::string_view name : {"X-Acme", "X-Tenants", "Tenant"}) {
      EXPECT_EQ(judge(name, speaker), Verdict::kStays) << name;
    }
  }
}

TEST(AssertedFields, WhoIsTrustedIsTheListenersToSay) {
  auto policy = std::make_shared<ListenerPolicy>();
  policy->trusted_proxies = {AddressRange::parse("10.0.0.0/8").value()};
  ClientInfo client{.address = Address::parse("10.1.2.3:1").value(), .listener = policy};
  EXPECT_TRUE(Speaker::of(client).trusted);
  client.address = Address::parse("192.0.2.1:1").value();
  EXPECT_FALSE(Speaker::of(client).trusted);
  client.listener = nullptr;
  EXPECT_FALSE(Speaker::of(client).trusted);
}

// Whoever wonders where a header has gone reads the guide.
TEST(AssertedFields, AreThoseOfTheGuide) {
  std::string expected = "\n| header | from | says |\n|---|---|---|\n";
  for (const Row& row : rows()) {
    const std::string_view from = row.from == From::kTrusted ? "trusted proxies" : "Gatehouse alone";
    expected += std::format("| `{}` | {} | {} |\n", row.name, from, row.says);
  }
  const std::string guide = testing_support::contents_of("deploy/guides/headers.md");  // the tests run in the root
  EXPECT_TRUE((guide + "\n").contains(expected + "\n")) << expected;
}

TEST(Disguise, EveryMarkIsOne) {
  EXPECT_EQ(disguise::passes_for("X_Forwarded_For"), FieldName::kXForwardedFor);
  EXPECT_EQ(disguise::passes_for("x.forwarded-for"), FieldName::kXForwardedFor);
  EXPECT_EQ(disguise::passes_for("content_length"), FieldName::kContentLength);
  for (const std::string_view name : {"X-Forwarded-For", "X_Forwarded_Fo", "x_forwarded_for_", "", "_",
                                      "a_name_that_is_longer_than_any_that_has_a_meaning_to_us"}) {
    EXPECT_EQ(disguise::passes_for(name), FieldName::kOther) << name;
  }
  EXPECT_TRUE(disguise::same("A-b", "a_B"));
  EXPECT_FALSE(disguise::same("a-b", "ab"));
  EXPECT_FALSE(disguise::same("a-b", "a-b-"));
  EXPECT_TRUE(disguise::order("A_b", "a-c") < 0);
  EXPECT_TRUE(disguise::order("a-b", "A.B") == 0);
  EXPECT_TRUE(disguise::order("a", "a-b") < 0);
}

}  // namespace
}  // namespace gatehouse
