// Minimum rates: who sends or takes a byte now and then holds nothing for ever, and who is merely slow, or waits for the
// other side, is served.
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

constexpr std::size_t kMuch = 3'000'000;
constexpr std::string_view kChunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

Stream open_upload(Flow& f, const std::string& type = "text/plain") {
  f.options.limits.request_body_timeout = 30s;
  return f.begin({.method = "POST", .fields = {{"content-type", type}}, .body = BodyLength::unknown()});
}

// A byte each 29 seconds, for as long as the request lives.
std::size_t drip(Flow& f, Stream s, std::size_t most) {
  std::size_t sent = 0;
  for (; sent < most && f.running() > 0; ++sent) {
    f.client().send(s, "x");
    f.pass(29s);
  }
  return sent;
}

// What a client's machine takes by itself counts: on h3 that is the stream's window, on the others next to nothing.
void demand(Flow& f) {
  f.options.limits.min_response_rate = f.is(Protocol::kH3) ? 20'000 : 150;
}

void finish_upload(Flow& f, Stream s, App& app) {
  f.client().finish(s);
  f.await_request(app);
  f.respond(app, ok("done"), s);
  f.expect_response(s, 200, "done");
}

// A large answer has begun, and its client takes nothing that it is not told to.
struct Answer {
  explicit Answer(Flow& flow, const Fields& fields = {})
      : f(flow), stream(begin(flow, fields)), app(flow.accept_request()) {
    f.settle();
    f.client().take(stream, 0);
    app.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
    for (int i = 0; i < 5; ++i) say_more();
  }
  static Stream begin(Flow& flow, const Fields& fields) {
    flow.options.unix_socket = true;
    return flow.get("/", fields);
  }
  void say_more() {
    said += app.say_what_fits(std::string_view(body).substr(said));
    f.settle();
  }
  // The h3 client says what it took when it is half of the stream's window.
  void take_each(std::size_t bytes, Duration time) {
    f.client().take(stream, bytes);
    said += app.say_what_fits(std::string_view(body).substr(said));
    f.pass(time);
  }
  void expect_all() {
    f.client().read_on(stream);
    f.until([&] {
      said += app.say_what_fits(std::string_view(body).substr(said));
      return f.over(stream);
    });
    f.expect_response(stream, 200, body);
  }

  Flow& f;
  Stream stream;
  App& app;
  std::string body = std::string(kMuch, 'x');
  std::size_t said = 0;
};

const Table kTable = {
    {"AByteNowAndThenDoesNotHoldARequestForEver",
     [](Flow& f) {
       const Stream s = open_upload(f);
       App& app = f.accept_request();
       EXPECT_EQ(drip(f, s, 10), 1U);
       f.expect_fault(s, Fault::kRequestTooSlow);
       EXPECT_TRUE(f.await_cut(app));
     }},
    {"AnUploadAtTheMinimumRateIsServed",
     [](Flow& f) {
       const Stream s = open_upload(f);
       App& app = f.accept_request();
       for (int i = 0; i < 60; ++i) {
         f.client().send(s, std::string(240, 'x'));
         f.pass(1s);
       }
       EXPECT_EQ(f.running(), 1);
       finish_upload(f, s, app);
     }},
    {"ABurstOfAnUploadEarnsItsPause",
     [](Flow& f) {
       const Stream s = open_upload(f);
       App& app = f.accept_request();
       for (int i = 0; i < 5; ++i) {
         f.client().send(s, std::string(8000, 'x'));
         f.pass(25s);
       }
       EXPECT_EQ(f.running(), 1);
       finish_upload(f, s, app);
     }},
    {"ABodyThatHasNotBegunHasItsTime",
     [](Flow& f) {
       const Stream s = open_upload(f);
       App& app = f.accept_request();
       f.pass(25s);
       EXPECT_EQ(f.running(), 1);
       f.client().send(s, "now");
       finish_upload(f, s, app);
     }},
    {"NoClientIsTooSlowWhileItsAppTakesNothing",
     [](Flow& f) {
       f.options.unix_socket = true;
       const Stream s = open_upload(f);
       f.client().send(s, std::string(kMuch, 'x'));
       App& app = f.accept();
       f.pass(60s);
       EXPECT_EQ(f.running(), 1);
       EXPECT_GT(f.client().unsent(s), 0U);
       f.until([&] { return app.received() > kMuch; });
       finish_upload(f, s, app);
     }},
    {"GrpcMayBeQuietAsLongAsItLikes",
     [](Flow& f) {
       const Stream s = open_upload(f, "application/grpc+proto");
       App& app = f.accept_request();
       EXPECT_EQ(drip(f, s, 5), 5U);
       f.pass(100s);
       EXPECT_EQ(f.running(), 1);
       finish_upload(f, s, app);
     }},
    {"OnceTheAnswerHasBegunTheRequestTakesItsTime",
     [](Flow& f) {
       const Stream s = open_upload(f);
       App& app = f.accept_request();
       app.say(kChunkedHead);
       f.until([&] { return f.response(s).status == 200; });
       EXPECT_EQ(drip(f, s, 5), 5U);
       f.client().finish(s);
       f.await_request(app);
       app.say("0\r\n\r\n");
       f.expect_response(s, 200, "");
     }},
    {"SilenceOfBothAfterTheHeadHasAnEnd",
     [](Flow& f) {
       f.options.limits.response_body_timeout = 20s;
       const Stream s = open_upload(f);
       App& app = f.accept_request();
       app.say(kChunkedHead);
       f.until([&] { return f.response(s).status == 200; });
       for (int i = 0; i < 4; ++i) {
         f.client().send(s, "x");
         f.pass(15s);
       }
       EXPECT_EQ(f.running(), 1);
       f.pass(6s);
       f.expect_fault(s, Fault::kUpstreamBodyTimeout, Stage::kAfterHead);
     }},
    {"WithoutAMinimumOnlySilenceCounts",
     [](Flow& f) {
       f.options.limits.min_request_rate = 0;
       const Stream s = open_upload(f);
       App& app = f.accept_request();
       EXPECT_EQ(drip(f, s, 5), 5U);
       finish_upload(f, s, app);
     }},
    {"WhoTakesNothingOfAnAnswerIsCutOffAfterTheGrace",
     [](Flow& f) {
       demand(f);
       Answer answer(f);
       f.pass(10s);
       EXPECT_EQ(f.running(), 0);
       EXPECT_EQ(f.record("/").fault, Fault::kResponseTooSlow);
       EXPECT_TRUE(f.await_cut(answer.app));
     }},
    {"WhoTakesLessThanTheMinimumIsCutOff",
     [](Flow& f) {
       demand(f);
       Answer answer(f);
       for (int i = 0; i < 90 && f.running() > 0; ++i) answer.take_each(20, 1s);
       EXPECT_EQ(f.running(), 0);
       EXPECT_EQ(f.record("/").fault, Fault::kResponseTooSlow);
       EXPECT_TRUE(f.await_cut(answer.app));
     }},
    {"WhoTakesAsMuchAsTheMinimumGetsAll",
     [](Flow& f) {
       f.options.limits.response_write_timeout = 300s;
       Answer answer(f);
       const bool h3 = f.is(Protocol::kH3);
       for (int i = 0; i < (h3 ? 4 : 100); ++i) {
         if (h3) {
           answer.take_each(40'000, 60s);
         } else {
           answer.take_each(1000, 3s);
         }
         ASSERT_EQ(f.running(), 1) << i;
       }
       answer.expect_all();
     }},
    {"AnAnswerInGrpcHasNoMinimum",
     [](Flow& f) {
       Answer answer(f, {{"content-type", "application/grpc"}});
       f.pass(50s);
       EXPECT_EQ(f.running(), 1);
       answer.expect_all();
     }},
};

}  // namespace
}  // namespace gatehouse::flow
