#include "proxy/http/grpc.h"

#include <chrono>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

RequestHead request_of(std::string_view content_type) {
  RequestHead head;
  head.fields.add("content-type", content_type);
  return head;
}

TEST(Grpc, IsToldByTheContentTypeAlone) {
  for (const std::string_view type : {"application/grpc", "application/grpc+proto", "Application/gRPC+json",
                                      "application/grpc;charset=utf-8", "application/grpc ; a=b"}) {
    EXPECT_TRUE(is_grpc(request_of(type))) << type;
  }
  for (const std::string_view type : {"", "application/grpc-web", "application/grpc-web+proto", "application/grpcx",
                                      "application/grp", "text/plain", "x-application/grpc"}) {
    EXPECT_FALSE(is_grpc(request_of(type))) << type;
  }
  EXPECT_FALSE(is_grpc(RequestHead{}));
  EXPECT_EQ(grpc::subtype("application/grpc+proto"), "+proto");
  EXPECT_EQ(grpc::subtype("application/grpc"), "");
}

TEST(Grpc, TimeoutsAreReadInTheirSixUnits) {
  EXPECT_EQ(grpc::parse_timeout("2H"), 2h);
  EXPECT_EQ(grpc::parse_timeout("3M"), 3min);
  EXPECT_EQ(grpc::parse_timeout("10S"), 10s);
  EXPECT_EQ(grpc::parse_timeout("250m"), 250ms);
  EXPECT_EQ(grpc::parse_timeout("99999999u"), 99999999us);
  EXPECT_EQ(grpc::parse_timeout("00000007n"), 7ns);
  EXPECT_EQ(grpc::parse_timeout("0S"), 0s);
  EXPECT_EQ(grpc::parse_timeout("99999999H"), 24h * 365);  // a year is as good as none
  EXPECT_EQ(grpc::parse_timeout("99999999M"), 24h * 365);
}

TEST(Grpc, TimeoutsThatAreNoneAreNothing) {
  for (const std::string_view value :
       {"", "S", "1", "1s", "1h", "123456789S", "-1S", "+1S", "1.5S", " 1S", "1 S", "1S ", "1SS", "0x1S"}) {
    EXPECT_EQ(grpc::parse_timeout(value), std::nullopt) << value;
  }
}

TEST(Grpc, EachFaultHasTheStatusThatAClientCanActOn) {
  using grpc::Status;
  EXPECT_EQ(grpc::status_of(Fault::kDeadlineExceeded), Status::kDeadlineExceeded);
  EXPECT_EQ(grpc::status_of(Fault::kQueueFull), Status::kResourceExhausted);
  EXPECT_EQ(grpc::status_of(Fault::kBodyTooLarge), Status::kResourceExhausted);
  EXPECT_EQ(grpc::status_of(Fault::kHeadersTooLarge), Status::kResourceExhausted);
  EXPECT_EQ(grpc::status_of(Fault::kNoRoute), Status::kUnimplemented);
  EXPECT_EQ(grpc::status_of(Fault::kAccessDenied), Status::kPermissionDenied);
  EXPECT_EQ(grpc::status_of(Fault::kInternalError), Status::kInternal);
  EXPECT_EQ(grpc::status_of(Fault::kUpstreamInvalid), Status::kInternal);
  EXPECT_EQ(grpc::status_of(Fault::kMalformedRequest), Status::kInternal);
  for (const Fault fault :
       {Fault::kConnectRefused, Fault::kConnectFailed, Fault::kConnectTimeout, Fault::kUpstreamReset,
        Fault::kUpstreamClosed, Fault::kUpstreamTimeout, Fault::kNoHealthyEndpoint, Fault::kQueueTimeout,
        Fault::kAppOffline, Fault::kUpstreamTlsName}) {
    EXPECT_EQ(grpc::status_of(fault), Status::kUnavailable) << rule(fault).label;
  }
}

TEST(Grpc, NoFaultIsEverOk) {
  for (const FaultRule& row : fault_rules()) EXPECT_NE(static_cast<int>(grpc::status_of(row.fault)), 0) << row.label;
}

TEST(Grpc, MessagesAreEscapedWhereTheyAreNotPrintable) {
  EXPECT_EQ(grpc::percent_encoded("plain text, 1 < 2"), "plain text, 1 < 2");
  EXPECT_EQ(grpc::percent_encoded("50% \xC3\xA9\r\n\x7F"), "50%25 %C3%A9%0D%0A%7F");
}

TEST(Grpc, PageOfAFaultBecomesTrailersOnly) {
  ErrorPage page = error_page(Fault::kQueueFull, "text/html", "id");
  const std::string said(*page.head.fields.find(FieldName::kProxyStatus));
  grpc::make_trailers_only(page, Fault::kQueueFull, "application/grpc+proto");
  const FieldList& fields = page.head.fields;
  EXPECT_EQ(page.head.status, 200);
  EXPECT_EQ(page.body, "");
  EXPECT_EQ(fields.find(FieldName::kContentType), "application/grpc+proto");
  EXPECT_EQ(fields.find("grpc-status"), "8");
  EXPECT_EQ(fields.find("grpc-message"), rule(Fault::kQueueFull).explanation);
  EXPECT_EQ(fields.find(FieldName::kProxyStatus), said);
  EXPECT_EQ(fields.find(FieldName::kRetryAfter), "1");
  EXPECT_EQ(fields.find("Content-Security-Policy"), std::nullopt);
}

}  // namespace
}  // namespace gatehouse
