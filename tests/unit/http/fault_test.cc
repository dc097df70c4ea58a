#include "proxy/http/fault.h"

#include <algorithm>
#include <array>
#include <cstddef>
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
    EXPECT_TRUE(std::ranges::all_of(row.label, [](char c) {
      return c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    })) << row.label;
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
                                                 "http_upgrade_failed",
                                                 "http_protocol_error",
                                                 "tls_certificate_error",
                                                 "tls_alert_received",
                                                 "tls_protocol_error",
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

// Whom it blames, what h2 and h3 reset with, whether they do even before the head, whether h1 ends: what a row leaves
// to the blame is seen here. Status and Proxy-Status are the guide's, below.
TEST(FaultTable, LeavesToTheBlameOnlyWhatFollowsFromIt) {
  constexpr std::array<std::string_view, kFaultCount> kRows = {
      "malformed_request client 1 10e resets closes",
      "headers_too_large client b 107 closes",
      "target_too_long client b 107 closes",
      "version_not_supported client 1 10e closes",
      "coding_not_implemented client 1 10e closes",
      "method_not_allowed client 1 10e closes",
      "expectation_failed client 1 10e closes",
      "misdirected client 7 10b",
      "header_timeout client 8 10c closes",
      "unsafe_target client 1 10e closes",
      "ambiguous_path client 1 10e",
      "prefix_not_literal client 1 10e",
      "plain_http_on_tls client 1 10e closes",
      "tls_on_cleartext client 1 10e closes",
      "access_denied client 7 10b",
      "auth_required client 7 10b",
      "auth_failed client 7 10b",
      "auth_needs_tls client 7 10b",
      "http11_required client d 110 resets",
      "too_early client 1 10e",
      "body_too_large client 8 10c closes",
      "request_body_timeout client 8 10c closes",
      "request_body_invalid client 1 10e resets closes",
      "client_gone client 8 10c resets closes",
      "client_stalled client 8 10c resets closes",
      "request_too_slow client 8 10c closes",
      "response_too_slow client 8 10c resets closes",
      "no_route proxy 2 102",
      "internal_error proxy 2 102",
      "loop_detected proxy 2 102",
      "auth_queue_full proxy 2 102",
      "out_of_resources proxy 2 102",
      "file_unreadable proxy 2 102",
      "no_healthy_endpoint upstream 2 102",
      "queue_full upstream 2 102",
      "queue_timeout upstream 2 102",
      "connect_refused upstream 2 102",
      "connect_failed upstream 2 102",
      "connect_timeout upstream 2 102",
      "foreign_listener upstream 2 102",
      "upstream_reset upstream 2 102",
      "upstream_closed upstream 2 102",
      "upstream_invalid upstream 2 102",
      "upstream_headers_too_large upstream 2 102",
      "upstream_timeout upstream 2 102",
      "upstream_body_timeout upstream 2 102",
      "upstream_truncated upstream 2 102",
      "deadline_exceeded upstream 8 10c",
      "reset_by_endpoint upstream 2 102",
      "grpc_web_invalid upstream 2 102",
      "delegation_refused upstream 2 102",
      "delegation_loop upstream 2 102",
      "delegation_late upstream 2 102",
      "send_file_refused upstream 2 102",
      "request_not_writable client 1 10e closes",
      "upstream_tls_untrusted upstream 2 102",
      "upstream_tls_expired upstream 2 102",
      "upstream_tls_name upstream 2 102",
      "upstream_tls_alert upstream 2 102",
      "upstream_tls_failed upstream 2 102",
      "upstream_tls_timeout upstream 2 102",
      "app_start_failed upstream 2 102",
      "app_parked upstream 2 102",
      "app_offline upstream 2 102",
      "app_stopped upstream 2 102",
      "name_not_resolved upstream 2 102",
      "handshake_invalid client 1 10e closes",
      "upgrade_not_supported client 1 10e",
      "upgrade_refused upstream 2 102",
      "tunnel_timeout proxy 8 10c",
      "drained proxy 8 10c",
  };
  for (const FaultRule& row : fault_rules()) {
    EXPECT_EQ(std::format("{} {} {:x} {:x}{}{}", row.label, label(row.blame), row.codes.h2, row.codes.h3,
                          row.resets_stream ? " resets" : "", row.closes_connection ? " closes" : ""),
              kRows[static_cast<std::size_t>(row.fault)]);
  }
}

TEST(FaultTable, KnowsWhereThereWasNoConnection) {
  for (const FaultRule& row : fault_rules()) {
    const bool tls = row.label.starts_with("upstream_tls_");
    EXPECT_EQ(is_upstream_tls(row.fault), tls) << row.label;
    EXPECT_EQ(is_connect(row.fault), tls || row.label.starts_with("connect_") || row.label == "foreign_listener")
        << row.label;
    EXPECT_EQ(nobody_listens(row.fault), row.label == "connect_refused" || row.label == "connect_failed") << row.label;
  }
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
