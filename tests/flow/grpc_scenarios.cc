// gRPC through the hop: both directions at once, statuses in trailers and in heads, deadlines, cancelling, and faults of
// ours in the words of gRPC.
#include <format>

#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

constexpr std::string_view kGrpcOk =
    "HTTP/1.1 200 OK\r\nContent-Type: application/grpc+proto\r\nTransfer-Encoding: chunked\r\n\r\n";

// h1 has to say that it takes trailers; to h2 and h3 it makes no difference.
Request call(Fields more = {}) {
  Request request{.method = "POST",
                  .target = "/pkg.Service/Method",
                  .fields = {{"content-type", "application/grpc+proto"}, {"te", "trailers"}},
                  .body = BodyLength::unknown()};
  request.fields.insert(request.fields.end(), more.begin(), more.end());
  return request;
}

std::string framed(char flag, std::string_view bytes) {
  const auto size = static_cast<char>(bytes.size());
  return std::string({flag, '\0', '\0', '\0', size}).append(bytes);
}

std::string message(std::string_view bytes) {
  return framed('\0', bytes);
}

std::string end_with(std::string_view trailers) {
  return std::format("0\r\n{}\r\n", trailers);
}

std::string status_of(const Response& response) {
  return find(response.trailers, "grpc-status");
}

// Trailers-Only: the status is in the head, and nothing follows it.
void expect_told(Flow& f, Stream s, Fault fault, std::string_view status) {
  EXPECT_TRUE(f.until([&] { return f.over(s); }));
  const Response& seen = f.response(s);
  EXPECT_EQ(seen.end, End::kClean);
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.field("content-type"), "application/grpc+proto");
  EXPECT_EQ(seen.field("grpc-status"), status);
  EXPECT_EQ(seen.field("grpc-message"), rule(fault).explanation);
  EXPECT_TRUE(seen.field("proxy-status").contains(rule(fault).label)) << seen.field("proxy-status");
  EXPECT_EQ(seen.body, "");
  EXPECT_TRUE(seen.trailers.empty());
  const Record record = f.only_record();
  EXPECT_EQ(record.fault, fault);
  EXPECT_EQ(record.status, 200);
}

const Table kTable = {
    {"GrpcIsAnsweredWhileTheRequestGoesOn",
     [](Flow& f) {
       const Stream s = f.begin(call());
       App& app = f.accept_request();
       EXPECT_EQ(app.field("TE"), "trailers");
       EXPECT_EQ(app.field("Transfer-Encoding"), "chunked");
       app.say(kGrpcOk);
       EXPECT_TRUE(f.until([&] { return f.response(s).status == 200; }));
       std::string sent;
       for (int i = 0; i < 5; ++i) {
         const std::string ping = message(std::format("ping {}", i));
         f.client().send(s, ping);
         sent += ping;
         EXPECT_TRUE(f.until([&] { return app.body() == sent; }));
         app.say(chunk(ping));
         EXPECT_TRUE(f.until([&] { return f.response(s).body == sent; }));
       }
       f.client().finish(s);
       f.await_request(app);
       app.say(end_with("grpc-status: 0\r\nX-Cost: 3\r\nContent-Type: text/html\r\nSet-Cookie: a=b\r\n"));
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).end, End::kClean);
       EXPECT_EQ(f.response(s).trailers, (Fields{{"grpc-status", "0"}, {"x-cost", "3"}}));
       EXPECT_EQ(f.only_record().fault, std::nullopt);
       f.expect_pool(1);
     }},
    {"GrpcEndpointMayEndBeforeTheRequestDoes",
     [](Flow& f) {
       const Stream s = f.begin(call());
       App& app = f.accept_request();
       f.client().send(s, message("first"));
       EXPECT_TRUE(f.until([&] { return app.body() == message("first"); }));
       app.say(std::string(kGrpcOk) + chunk(message("enough")) + end_with("grpc-status: 9\r\n"));
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).end, End::kClean);
       EXPECT_EQ(f.response(s).body, message("enough"));
       EXPECT_EQ(status_of(f.response(s)), "9");
       EXPECT_TRUE(f.await_cut(app));
       f.expect_pool(0);
       f.forget_records();
     }},
    {"TrailersOnlyAnswerIsPassedOn",
     [](Flow& f) {
       for (const std::string_view framing :
            {"Content-Length: 0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
         const Stream s = f.begin(call());
         f.client().finish(s);
         App& app = f.accept_request();
         f.await_request(app);
         f.respond(app,
                   std::format("HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\ngrpc-status: 5\r\n"
                               "grpc-message: no such thing\r\n{}",
                               framing),
                   s);
         EXPECT_EQ(f.response(s).status, 200);
         EXPECT_EQ(f.response(s).field("grpc-status"), "5");
         EXPECT_EQ(f.response(s).field("grpc-message"), "no such thing");
         EXPECT_EQ(f.response(s).end, End::kClean);
         EXPECT_EQ(f.only_record().fault, std::nullopt);
         f.expect_pool(1);
         app.close();
         f.settle();
       }
     }},
    {"ClientThatCancelsCancelsTheCallAtOnce",
     [](Flow& f) {
       const Stream s = f.begin(call());
       App& app = f.accept_request();
       app.say(std::string(kGrpcOk) + chunk(message("first")));
       EXPECT_TRUE(f.until([&] { return f.response(s).body == message("first"); }));
       f.client().reset(s);
       EXPECT_TRUE(f.await_cut(app));
       EXPECT_EQ(f.only_record().fault, Fault::kClientGone);
       f.expect_pool(0);
     }},
    {"DeadlineBeforeTheHeadIsTold",
     [](Flow& f) {
       const Stream s = f.begin(call({{"grpc-timeout", "1500m"}}));
       App& app = f.accept_request();
       EXPECT_EQ(app.field("grpc-timeout"), "1500m");
       f.pass(1400ms);
       f.settle();
       EXPECT_FALSE(f.over(s));
       f.pass(200ms);
       expect_told(f, s, Fault::kDeadlineExceeded, "4");
       EXPECT_TRUE(f.await_cut(app));
       f.expect_pool(0);
     }},
    {"DeadlineBehindTheHeadResets",
     [](Flow& f) {
       const Stream s = f.begin(call({{"grpc-timeout", "2S"}}));
       App& app = f.accept_request();
       app.say(std::string(kGrpcOk) + chunk(message("first")));
       EXPECT_TRUE(f.until([&] { return f.response(s).body == message("first"); }));
       f.pass(2100ms);
       f.expect_fault(s, Fault::kDeadlineExceeded, Stage::kAfterHead);
       EXPECT_TRUE(f.await_cut(app));
     }},
    {"DeadlineThatIsKeptIsForgotten",
     [](Flow& f) {
       const Stream s = f.begin(call({{"grpc-timeout", "2S"}}));
       f.client().finish(s);
       App& app = f.accept_request();
       f.await_request(app);
       f.respond(app, std::string(kGrpcOk) + chunk(message("done")) + end_with("grpc-status: 0\r\n"), s);
       f.pass(5s);
       EXPECT_EQ(status_of(f.response(s)), "0");
       EXPECT_EQ(f.only_record().fault, std::nullopt);
       f.expect_pool(1);
     }},
    {"DeadlineCountsInTheWaitingLineToo",
     [](Flow& f) {
       f.options.upstream.max_requests = 1;
       f.options.upstream.queue_timeout = 30s;
       const Stream first = f.get("/first");
       App& app = f.accept_request();
       const Stream s = f.begin(call({{"grpc-timeout", "1S"}}));
       f.settle();
       f.pass(1100ms);
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).field("grpc-status"), "4");
       f.respond(app, ok("first"), first);
       f.expect_response(first, 200, "first");
       EXPECT_EQ(f.record("/pkg.Service/Method").fault, Fault::kDeadlineExceeded);
       f.forget_records();
     }},
    {"DeadlinesThatAreNoneAreIgnored",
     [](Flow& f) {
       Request plain = call({{"grpc-timeout", "1S"}});
       plain.fields[0].second = "application/json";
       for (const Request& request : {call({{"grpc-timeout", "soon"}}), call({{"grpc-timeout", "1s"}}), plain}) {
         const Stream s = f.begin(request);
         f.client().finish(s);
         App& app = f.accept_request();
         f.await_request(app);
         EXPECT_EQ(app.field("grpc-timeout"), find(request.fields, "grpc-timeout"));
         f.pass(3s);
         f.respond(app, std::string(kGrpcOk) + end_with("grpc-status: 0\r\n"), s);
         EXPECT_EQ(f.response(s).end, End::kClean);
         EXPECT_EQ(f.only_record().fault, std::nullopt);
         app.close();
         f.settle();
       }
     }},
    {"FaultBeforeTheHeadIsAStatusOfGrpc",
     [](Flow& f) {
       const Stream s = f.begin(call());
       f.client().finish(s);
       App& app = f.accept_request();
       f.await_request(app);
       app.say("no HTTP at all\r\n\r\n");
       expect_told(f, s, Fault::kUpstreamInvalid, "13");
       EXPECT_TRUE(f.client().usable(s));
     }},
    {"EndpointThatIsNotThereIsUnavailable",
     [](Flow& f) {
       f.options.listening = false;
       const Stream s = f.begin(call());
       expect_told(f, s, Fault::kConnectRefused, "14");
       f.finish(Flow::Probe::kNo);
     }},
    {"MessageThatIsTooLargeIsAnExhaustedResource",
     [](Flow& f) {
       f.options.limits.max_request_body = 1000;
       const Stream s = f.begin(call());
       f.client().send(s, pattern(2000));
       expect_told(f, s, Fault::kBodyTooLarge, "8");
     }},
    {"FaultBehindTheHeadIsNeverOk",
     [](Flow& f) {
       const Stream s = f.begin(call());
       App& app = f.accept_request();
       app.say(std::string(kGrpcOk) + chunk(message("first")));
       EXPECT_TRUE(f.until([&] { return f.response(s).body == message("first"); }));
       app.close();
       f.expect_fault(s, Fault::kUpstreamTruncated, Stage::kAfterHead);
       EXPECT_EQ(status_of(f.response(s)), "");
     }},
    {"OtherRequestsGetThePageOfAFault",
     [](Flow& f) {
       Request request = call();
       request.fields[0].second = "application/grpc-web+proto";
       const Stream s = f.begin(request);
       f.client().finish(s);
       App& app = f.accept_request();
       f.await_request(app);
       app.say("no HTTP at all\r\n\r\n");
       f.expect_fault(s, Fault::kUpstreamInvalid);
       EXPECT_EQ(f.response(s).field("grpc-status"), "");
     }},
};

}  // namespace
}  // namespace gatehouse::flow
