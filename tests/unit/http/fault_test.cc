#include "proxy/http/fault.h"

#include <algorithm>
#include <format>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "proxy/http/message.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

TEST(FaultTable, HasOneRowPerFaultWithALabelOfItsOwn) {
  std::set<std::string_view> labels;
  for (const FaultRule& row : fault_rules()) {
    EXPECT_EQ(&rule(row.fault), &row);
    EXPECT_TRUE(labels.insert(row.label).second) << row.label;
    EXPECT_TRUE(std::ranges::all_of(row.label, [](char c) { return c == '_' || (c >= 'a' && c <= 'z'); })) << row.label;
  }
  EXPECT_EQ(labels.size(), kFaultCount);
}

TEST(FaultTable, ProxyStatusErrorsAreTheRegisteredOnes) {
  // RFC 9209 section 2.3, those that can apply to us.
  const std::set<std::string_view> registered = {"dns_error",
                                                 "destination_not_found",
                                                 "destination_unavailable",
                                                 "connection_refused",
                                                 "connection_terminated",
                                                 "connection_timeout",
                                                 "connection_limit_reached",
                                                 "http_request_error",
                                                 "http_request_denied",
                                                 "http_response_incomplete",
                                                 "http_response_header_section_size",
                                                 "http_response_timeout",
                                                 "http_protocol_error",
                                                 "proxy_internal_error",
                                                 "proxy_loop_detected"};
  for (const FaultRule& row : fault_rules()) {
    EXPECT_TRUE(row.status == 0 || registered.contains(row.proxy_status)) << row.label;
  }
}

TEST(FaultTable, StatusesHaveReasonsAndBlame) {
  for (const FaultRule& row : fault_rules()) {
    if (row.status == 0) {
      EXPECT_EQ(row.blame, Blame::kClient) << row.label;
      continue;
    }
    EXPECT_FALSE(reason_phrase(row.status).empty()) << row.label;
    EXPECT_EQ(row.blame == Blame::kClient,
              row.status < 500 ? row.status != 404 : row.status == 501 || row.status == 505)
        << row.label;
  }
}

TEST(FaultTable, CodesAreThoseOfTheDialects) {
  EXPECT_EQ(rule(Fault::kMalformedRequest).h2_code, 0x1U);
  EXPECT_EQ(rule(Fault::kMalformedRequest).h3_code, 0x10eU);
  EXPECT_TRUE(rule(Fault::kMalformedRequest).resets_stream);
  EXPECT_EQ(rule(Fault::kUpstreamTruncated).h2_code, 0x2U);
  EXPECT_EQ(rule(Fault::kUpstreamTruncated).h3_code, 0x102U);
  EXPECT_EQ(rule(Fault::kHeadersTooLarge).h3_code, 0x107U);
  EXPECT_EQ(rule(Fault::kMisdirected).h3_code, 0x10bU);
  for (const FaultRule& row : fault_rules()) {
    EXPECT_GE(row.h3_code, 0x100U) << row.label;
    EXPECT_LE(row.h3_code, 0x110U) << row.label;
    EXPECT_NE(row.h2_code, 0U) << row.label;
    EXPECT_LE(row.h2_code, 0xdU) << row.label;
  }
}

TEST(FaultTable, WhatCannotBeFollowedClosesTheConnection) {
  for (const Fault fault :
       {Fault::kMalformedRequest, Fault::kHeadersTooLarge, Fault::kTargetTooLong, Fault::kMethodNotAllowed,
        Fault::kBodyTooLarge, Fault::kRequestBodyInvalid, Fault::kHeaderTimeout}) {
    EXPECT_TRUE(rule(fault).closes_connection) << rule(fault).label;
  }
  EXPECT_FALSE(rule(Fault::kNoRoute).closes_connection);
  EXPECT_FALSE(rule(Fault::kConnectRefused).closes_connection);
}

// Users find a fault by its label; what they read there is what the header says.
TEST(FaultTable, IsTheOneOfTheGuide) {
  const std::string guide = testing_support::contents_of("deploy/guides/faults.md");  // the tests run in the root
  std::set<std::string_view> labels;
  for (const FaultRule& row : fault_rules()) {
    labels.insert(row.label);
    const std::string response = row.status == 0 ? "no answer" : std::format("{} `{}`", row.status, row.proxy_status);
    const std::string entry = std::format("\n### {}\n\n{}: {}.\n\n", row.label, response, row.details);
    EXPECT_TRUE(guide.contains(entry)) << entry;
  }
  constexpr std::string_view kHeading = "\n### ";
  for (std::size_t at = guide.find(kHeading); at != std::string::npos; at = guide.find(kHeading, at + 1)) {
    const std::size_t begin = at + kHeading.size();
    const std::string heading = guide.substr(begin, guide.find('\n', begin) - begin);
    EXPECT_TRUE(labels.contains(heading)) << heading;
  }
}

TEST(FaultTable, DetailsCanBeWrittenInAHeader) {
  for (const FaultRule& row : fault_rules()) {
    EXPECT_TRUE(std::ranges::all_of(row.details, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }))
        << row.label;
    EXPECT_FALSE(row.details.ends_with('.')) << row.label;
  }
}

TEST(Blame, HasLabels) {
  EXPECT_EQ(label(Blame::kClient), "client");
  EXPECT_EQ(label(Blame::kProxy), "proxy");
  EXPECT_EQ(label(Blame::kUpstream), "upstream");
}

TEST(Methods, AreSafeAndIdempotentAsRfc9110Says) {
  const auto with = [](std::string_view method) { return RequestHead{.method = std::string(method)}; };
  for (const std::string_view method : {"GET", "HEAD", "OPTIONS"})
    EXPECT_TRUE(with(method).is_safe() && with(method).is_idempotent());
  for (const std::string_view method : {"PUT", "DELETE"})
    EXPECT_TRUE(!with(method).is_safe() && with(method).is_idempotent());
  for (const std::string_view method : {"POST", "PATCH", "get", "X"})
    EXPECT_FALSE(with(method).is_safe() || with(method).is_idempotent());
}

TEST(RequestHead, TakesItsPartsApart) {
  const RequestHead head{.authority = "example.com:8080", .target = "/a/b?c?d"};
  EXPECT_EQ(head.host(), "example.com");
  EXPECT_EQ(head.path(), "/a/b");
  EXPECT_EQ(head.query(), "c?d");
  EXPECT_EQ(head.canonical_path(), "/a/b");
  const RequestHead v6{.authority = "[2001:db8::1]:443", .target = "/", .match_path = "/other"};
  EXPECT_EQ(v6.host(), "2001:db8::1");
  EXPECT_EQ(v6.query(), "");
  EXPECT_EQ(v6.canonical_path(), "/other");
}

TEST(Bodies, ExistOnlyWhereTheyMay) {
  EXPECT_TRUE(may_have_body("GET", 200));
  EXPECT_FALSE(may_have_body("HEAD", 200));
  EXPECT_FALSE(may_have_body("GET", 204));
  EXPECT_FALSE(may_have_body("GET", 304));
  EXPECT_FALSE(may_have_body("GET", 103));
}

}  // namespace
}  // namespace gatehouse
