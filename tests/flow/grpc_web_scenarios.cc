// gRPC of clients to an endpoint that speaks gRPC-Web (grpc = "web"), and what becomes of an answer that is none.
#include <format>

#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

Request call(std::string_view content_type = "application/grpc+proto") {
  return {.method = "POST",
          .target = "/pkg.Service/Method",
          .fields = {{"content-type", std::string(content_type)}, {"te", "trailers"}, {"accept-encoding", "gzip"}},
          .body = BodyLength::unknown()};
}

std::string framed(char flag, std::string_view bytes) {
  const auto size = static_cast<char>(bytes.size());
  return std::string({flag, '\0', '\0', '\0', size}).append(bytes);
}

std::string message(std::string_view bytes) {
  return framed('\0', bytes);
}

const std::string kStatusOk = framed('\x80', "grpc-status: 0\r\ngrpc-message: fine\r\nSet-Cookie: no\r\n");

std::string head(std::string_view more, std::string_view type = "application/grpc-web+proto") {
  return std::format("HTTP/1.1 200 OK\r\nContent-Type: {}\r\n{}\r\n", type, more);
}

constexpr std::string_view kChunked = "Transfer-Encoding: chunked\r\n";

// The call of which the whole request has come to the app.
Stream called(Flow& f) {
  f.options.route.grpc = Grpc::kWeb;
  const Stream s = f.begin(call());
  f.client().send(s, message("question"));
  f.client().finish(s);
  return s;
}

void expect_invalid(Flow& f, Stream s, std::string_view body) {
  EXPECT_TRUE(f.until([&] { return f.over(s); }));
  EXPECT_EQ(f.response(s).end, End::kClean);
  EXPECT_EQ(f.response(s).body, body);
  const Fields expected{{"grpc-status", "13"}, {"grpc-message", "The application's answer is not valid."}};
  EXPECT_EQ(f.response(s).trailers, expected);
  const Record record = f.only_record();
  EXPECT_EQ(record.fault, Fault::kGrpcWebInvalid);
  EXPECT_EQ(record.status, 200);
}

const Table kTable = {
    {"GrpcBecomesGrpcWebAndBack",
     [](Flow& f) {
       const Stream s = called(f);
       App& app = f.accept_request();
       f.await_request(app);
       EXPECT_EQ(app.field("Content-Type"), "application/grpc-web+proto");
       EXPECT_EQ(app.field("Accept"), "application/grpc-web+proto");
       EXPECT_EQ(app.field("X-Grpc-Web"), "1");
       EXPECT_FALSE(app.has("TE"));
       EXPECT_FALSE(app.has("Accept-Encoding"));
       EXPECT_EQ(app.body(), message("question"));
       const std::string body = message("answer") + kStatusOk;
       f.respond(app, head(std::format("Content-Length: {}\r\n", body.size())) + body, s);
       EXPECT_EQ(f.response(s).status, 200);
       EXPECT_EQ(f.response(s).field("content-type"), "application/grpc+proto");
       EXPECT_EQ(f.response(s).field("content-length"), "");
       EXPECT_EQ(f.response(s).body, message("answer"));
       EXPECT_EQ(f.response(s).trailers, (Fields{{"grpc-status", "0"}, {"grpc-message", "fine"}}));
       EXPECT_EQ(f.response(s).end, End::kClean);
       EXPECT_EQ(f.only_record().fault, std::nullopt);
       f.expect_pool(1);
     }},
    {"GrpcWebStreamsBothWays",
     [](Flow& f) {
       f.options.route.grpc = Grpc::kWeb;
       const Stream s = f.begin(call());
       App& app = f.accept_request();
       app.say(head(kChunked));
       std::string all;
       for (const std::string_view word : {"one", "two", "three"}) {
         f.client().send(s, message(word));
         all += message(word);
         EXPECT_TRUE(f.until([&] { return app.body() == all; }));
         app.say(chunk(message(word).substr(0, 6)));
         EXPECT_TRUE(f.until([&] { return f.response(s).body.size() == all.size() - word.size() + 1; }));
         app.say(chunk(message(word).substr(6)));
         EXPECT_TRUE(f.until([&] { return f.response(s).body == all; }));
       }
       f.client().finish(s);
       f.await_request(app);
       app.say(chunk(kStatusOk.substr(0, 3)) + chunk(kStatusOk.substr(3)) + "0\r\n\r\n");
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(find(f.response(s).trailers, "grpc-status"), "0");
       EXPECT_EQ(f.only_record().fault, std::nullopt);
     }},
    {"GrpcWebStatusInTheHeadIsPassedOn",
     [](Flow& f) {
       const Stream s = called(f);
       App& app = f.accept_request();
       f.await_request(app);
       f.respond(app, head("grpc-status: 5\r\nContent-Length: 0\r\n"), s);
       EXPECT_EQ(f.response(s).field("grpc-status"), "5");
       EXPECT_EQ(f.response(s).field("content-type"), "application/grpc+proto");
       EXPECT_EQ(f.only_record().fault, std::nullopt);
     }},
    {"GrpcWebWithoutTrailersIsNeverOk",
     [](Flow& f) {
       const Stream s = called(f);
       App& app = f.accept_request();
       f.await_request(app);
       app.say(head(kChunked) + chunk(message("answer")) + "0\r\ngrpc-status: 0\r\n\r\n");
       expect_invalid(f, s, message("answer"));
       f.expect_pool(1);
     }},
    {"WhatFollowsTheTrailersOfGrpcWebBreaksIt",
     [](Flow& f) {
       const Stream s = called(f);
       App& app = f.accept_request();
       f.await_request(app);
       app.say(head(kChunked) + chunk(message("answer") + kStatusOk));
       EXPECT_TRUE(f.until([&] { return f.response(s).body == message("answer"); }));
       EXPECT_FALSE(f.over(s));
       app.say(chunk(message("more")));
       expect_invalid(f, s, message("answer"));
       EXPECT_TRUE(f.await_cut(app));
       f.expect_pool(0);
     }},
    {"GrpcWebThatBreaksOffIsReset",
     [](Flow& f) {
       const Stream s = called(f);
       App& app = f.accept_request();
       f.await_request(app);
       app.say(head(kChunked) + chunk(message("answer") + kStatusOk));
       EXPECT_TRUE(f.until([&] { return f.response(s).body == message("answer"); }));
       app.close();
       f.expect_fault(s, Fault::kUpstreamTruncated, Stage::kAfterHead);
       EXPECT_TRUE(f.response(s).trailers.empty());
     }},
    {"GrpcWebInTextIsNotWhatWasAskedFor",
     [](Flow& f) {
       const Stream s = called(f);
       App& app = f.accept_request();
       f.await_request(app);
       app.say(head("Content-Length: 4\r\n", "application/grpc-web-text") + "AAAA");
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).status, 200);
       EXPECT_EQ(f.response(s).field("grpc-status"), "13");
       EXPECT_EQ(f.only_record().fault, Fault::kGrpcWebInvalid);
       f.expect_pool(0);
     }},
    {"AnswerThatIsNoGrpcPassesAsItIs",
     [](Flow& f) {
       const Stream s = called(f);
       App& app = f.accept_request();
       f.await_request(app);
       f.respond(app, "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nhtml", s);
       f.expect_response(s, 404, "html");
       EXPECT_EQ(f.response(s).field("content-type"), "text/html");
       f.expect_pool(1);
     }},
    {"GrpcWebOfBrowsersPassesUntouched",
     [](Flow& f) {
       f.options.route.grpc = Grpc::kWeb;
       for (const std::string_view type : {"application/grpc-web+proto", "application/grpc-web-text"}) {
         const Stream s = f.begin(call(type));
         f.client().send(s, "AAAA");
         f.client().finish(s);
         App& app = f.accept_request();
         f.await_request(app);
         EXPECT_EQ(app.field("Content-Type"), type);
         EXPECT_FALSE(app.has("X-Grpc-Web"));
         EXPECT_EQ(app.field("Accept-Encoding"), "gzip");
         const std::string body = message("answer") + kStatusOk;
         f.respond(app, head(std::format("Content-Length: {}\r\n", body.size()), type) + body, s);
         f.expect_response(s, 200, body);
         EXPECT_EQ(f.response(s).field("content-type"), type);
         f.forget_records();
         app.close();
         f.settle();
       }
     }},
    {"DeadlineAndCancellingAreTheSameForGrpcWeb",
     [](Flow& f) {
       f.options.route.grpc = Grpc::kWeb;
       Request request = call();
       request.fields.emplace_back("grpc-timeout", "1S");
       const Stream s = f.begin(request);
       App& app = f.accept_request();
       f.pass(1100ms);
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).field("grpc-status"), "4");
       EXPECT_EQ(f.response(s).field("content-type"), "application/grpc+proto");
       EXPECT_TRUE(f.await_cut(app));
       f.forget_records();
     }},
};

}  // namespace
}  // namespace gatehouse::flow
