#include "proxy/forward/grpc_web.h"

#include <gtest/gtest.h>

namespace gatehouse::grpc_web {
namespace {

RequestHead call(std::string_view content_type) {
  RequestHead head;
  head.protocol = Protocol::kH2;
  head.method = "POST";
  head.accepts_trailers = true;
  head.body = BodyLength::unknown();
  head.fields.add("content-type", content_type);
  head.fields.add("accept-encoding", "gzip");
  head.fields.add("grpc-timeout", "1S");
  return head;
}

ResponseHead response_of(std::string_view content_type, BodyLength body = BodyLength::unknown()) {
  ResponseHead head;
  head.fields.add("Content-Type", content_type);
  head.body = body;
  return head;
}

TEST(GrpcWeb, RequestKeepsItsSubtypeAndAsksForNoTrailers) {
  RequestHead head = call("application/grpc+proto");
  EXPECT_EQ(make_request(head), "application/grpc-web+proto");
  EXPECT_FALSE(head.accepts_trailers);
  EXPECT_EQ(head.fields.find("X-Grpc-Web"), "1");
  EXPECT_EQ(head.fields.find(FieldName::kAccept), "application/grpc-web+proto");
  EXPECT_EQ(head.fields.find(FieldName::kAcceptEncoding), std::nullopt);
  EXPECT_EQ(head.fields.find("grpc-timeout"), "1S");
  EXPECT_EQ(head.fields.find(FieldName::kContentType), "application/grpc+proto");  // the overlay's
  RequestHead bare = call("application/grpc");
  EXPECT_EQ(make_request(bare), "application/grpc-web");
}

TEST(GrpcWeb, WhatBrowsersSendStaysAsItIs) {
  for (const std::string_view type :
       {"application/grpc-web", "application/grpc-web+proto", "application/grpc-web-text", "application/json"}) {
    RequestHead head = call(type);
    EXPECT_EQ(make_request(head), "") << type;
    EXPECT_TRUE(head.accepts_trailers);
    EXPECT_EQ(head.fields.find("X-Grpc-Web"), std::nullopt);
    EXPECT_EQ(head.fields.find(FieldName::kAcceptEncoding), "gzip");
  }
}

TEST(GrpcWeb, AnswerIsGrpcAgainAndItsLengthIsNotKnown) {
  ResponseHead head = response_of("application/grpc-web+proto", BodyLength::known(27));
  EXPECT_EQ(make_response(head), Response::kFrames);
  EXPECT_EQ(head.fields.find(FieldName::kContentType), "application/grpc+proto");
  EXPECT_EQ(head.body.kind, BodyLength::Kind::kUnknown);
}

TEST(GrpcWeb, StatusInTheHeadIsAllThereIs) {
  for (const BodyLength body : {BodyLength::none(), BodyLength::known(0), BodyLength::unknown()}) {
    ResponseHead head = response_of("application/grpc-web", body);
    head.fields.add("grpc-status", "5");
    EXPECT_EQ(make_response(head), Response::kTrailersOnly);
    EXPECT_TRUE(head.body.is_empty());
  }
  ResponseHead head = response_of("application/grpc-web", BodyLength::known(5));
  head.fields.add("grpc-status", "0");
  EXPECT_EQ(make_response(head), Response::kInvalid);
}

TEST(GrpcWeb, OtherAnswersPassAsTheyAre) {
  for (const std::string_view type : {"text/html", "application/grpc", "application/grpc+proto", "application/json"}) {
    ResponseHead head = response_of(type, BodyLength::known(9));
    EXPECT_EQ(make_response(head), Response::kOther) << type;
    EXPECT_EQ(head.fields.find(FieldName::kContentType), type);
    EXPECT_EQ(head.body.bytes, 9U);
  }
}

TEST(GrpcWeb, FormsThatCannotBeMadeGrpcAreInvalid) {
  ResponseHead text = response_of("application/grpc-web-text");
  EXPECT_EQ(make_response(text), Response::kInvalid);
  ResponseHead coded = response_of("application/grpc-web");
  coded.fields.add("Content-Encoding", "gzip");
  EXPECT_EQ(make_response(coded), Response::kInvalid);
  ResponseHead no_content = response_of("application/grpc-web");
  no_content.status = 204;
  EXPECT_EQ(make_response(no_content), Response::kInvalid);
  ResponseHead plain = response_of("application/grpc-web");
  plain.fields.add("Content-Encoding", "identity");
  EXPECT_EQ(make_response(plain), Response::kFrames);
}

}  // namespace
}  // namespace gatehouse::grpc_web
