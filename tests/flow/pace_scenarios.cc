// Backpressure: nobody is sent more than they read, memory stays bounded, and everything arrives (invariant I7).
#include <algorithm>

#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

constexpr std::size_t kMuch = 3'000'000;
// The pipe, what a Unix socket holds, and what is between client and proxy.
constexpr std::size_t kMostOnTheWay = 900'000;

// Until nobody moves any more; returns what the app could say.
std::size_t say_until_stuck(Flow& f, App& app, std::string_view bytes) {
  std::size_t said = 0;
  for (int quiet = 0; quiet < 5; ++quiet) {
    const std::size_t now = app.say_what_fits(bytes.substr(said));
    if (now > 0) quiet = 0;
    said += now;
    f.settle();
  }
  return said;
}

// Less than a connection's buffers hold. The h3 client says so only when it has taken half of the stream's window.
std::size_t little(const Flow& f) {
  return f.is(Protocol::kH3) ? 40'000 : 1'000;
}

// A large answer has begun, and the client has stopped before it.
class Untaken {
 public:
  explicit Untaken(Flow& flow) : f_(flow), stream_(begin(flow)), app_(flow.accept_request()) {
    f_.settle();  // h2: our SETTINGS are acknowledged
    f_.client().take(stream_, 0);
    app_.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body_.size()) + "\r\n\r\n");
    said_ = say_until_stuck(f_, app_, body_);
  }

  void take_a_little() {
    f_.client().take(stream_, little(f_));
    said_ += app_.say_what_fits(std::string_view(body_).substr(said_));
  }
  void take_the_rest() {
    f_.client().read_on(stream_);
    f_.until([&] {
      said_ += app_.say_what_fits(std::string_view(body_).substr(said_));
      return over();
    });
    f_.expect_response(stream_, 200, body_);
    f_.expect_pool(1);
  }
  bool over() { return f_.over(stream_); }
  bool await_cut() { return f_.await_cut(app_); }

 private:
  static Stream begin(Flow& flow) {
    flow.options.unix_socket = true;
    flow.options.limits.min_response_rate = 0;
    return flow.get();
  }

  Flow& f_;
  Stream stream_;
  App& app_;
  std::string body_ = pattern(kMuch);
  std::size_t said_ = 0;
};

const Table kTable = {
    {"SlowAppStopsTheClientAtItsWindowAndResumesItAsItReads",
     [](Flow& f) {
       f.options.unix_socket = true;
       const std::string body = pattern(kMuch);
       const Stream s = f.open_post(BodyLength::known(kMuch));
       f.client().send(s, body);
       f.client().finish(s);
       App& app = f.accept();
       f.pass(1s);
       const std::size_t stuck = f.client().unsent(s);
       EXPECT_GT(stuck, kMuch - kMostOnTheWay);
       f.pass(1s);
       EXPECT_EQ(f.client().unsent(s), stuck);
       for (std::size_t taken = 0; taken < 300'000;) {
         taken += app.take(100'000);
         f.settle();
       }
       EXPECT_LT(f.client().unsent(s), stuck - 100'000);
       EXPECT_GT(f.client().unsent(s), 0U);
       f.until([&] { return app.received() > kMuch; });
       f.await_request(app);
       EXPECT_TRUE(app.body() == body);
       f.respond(app, ok("ok"), s);
       f.expect_response(s, 200, "ok");
       f.expect_pool(1);
     }},
    {"SlowClientStopsTheAppAndResumesItAsItReads",
     [](Flow& f) {
       f.options.unix_socket = true;
       const std::string body = pattern(kMuch);
       const Stream s = f.get();
       App& app = f.accept_request();
       f.client().stop_reading(s);
       app.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kMuch) + "\r\n\r\n");
       std::size_t said = say_until_stuck(f, app, body);
       EXPECT_LT(said, kMostOnTheWay);
       f.client().read_on(s);
       f.until([&] {
         said += app.say_what_fits(std::string_view(body).substr(said));
         return f.over(s);
       });
       f.expect_response(s, 200, body);
       f.expect_pool(1);
     }},
    {"BigBodiesMoveBothWaysAtOnceAndArriveExactly",
     [](Flow& f) {
       const std::string up = pattern(kMuch);
       const std::string down = pattern(kMuch + 1);
       const Stream s = f.post(up, BodyLength::unknown());
       App& app = f.accept_request();
       app.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(down.size()) + "\r\n\r\n");
       std::size_t said = 0;
       f.until([&] {
         app.take(100'000);
         // Not the last of it before the request is whole: that would be an early answer.
         const std::size_t until = app.received() > up.size() ? down.size() : down.size() - 1;
         if (until == down.size() && said + 1 == down.size() && !app.has_request()) return false;
         said += app.say_what_fits(std::string_view(down).substr(said, until - said));
         return f.over(s);
       });
       EXPECT_TRUE(app.body() == up);
       EXPECT_EQ(f.response(s).status, 200);
       EXPECT_TRUE(f.response(s).body == down);
       const Record noted = f.record("/");
       EXPECT_EQ(noted.bytes_in, up.size());
       EXPECT_EQ(noted.bytes_out, down.size());
       f.expect_pool(1);
     }},
    {"BigAnswerInChunksArrivesExactly",
     [](Flow& f) {
       const std::string body = pattern(kMuch);
       const Stream s = f.get();
       App& app = f.accept_request();
       std::string wire(kChunkedOk);
       for (std::size_t at = 0; at < body.size(); at += 70'001) wire += chunk(body.substr(at, 70'001));
       wire += "0\r\n\r\n";
       std::size_t said = 0;
       f.until([&] {
         said += app.say_what_fits(std::string_view(wire).substr(said));
         return f.over(s);
       });
       f.expect_response(s, 200, body);
       f.expect_pool(1);
     }},
    {"UploadByteByByteArrivesExactly",
     [](Flow& f) {
       const std::string body = pattern(200);
       const Stream s = f.open_post(BodyLength::unknown());
       for (const char c : body) {
         f.client().send(s, {&c, 1});
         f.turn();
       }
       f.client().finish(s);
       App& app = f.accept();
       f.await_request(app);
       EXPECT_EQ(app.body(), body);
       f.respond(app, ok(""), s);
       f.expect_response(s, 200, "");
     }},
    {"AnswerByteByByteIsTheSameAnswer",
     [](Flow& f) {
       const Stream s = f.get("/", {{"te", "trailers"}});
       App& app = f.accept_request();
       const std::string wire = "HTTP/1.1 103 Early Hints\r\n\r\n" + std::string(kChunkedOk) + chunk("hello") +
                                chunk("!") + "0\r\nA: b\r\n\r\n";
       for (const char c : wire) {
         EXPECT_FALSE(f.over(s));
         app.say({&c, 1});
         f.turn();
         f.turn();
       }
       f.until([&] { return f.over(s); });
       EXPECT_EQ(find(f.response(s).trailers, "a"), "b");
       f.expect_response(s, 200, "hello!");
       f.expect_pool(1);
     }},
    {"ClientThatTakesNothingIsGivenUp",
     [](Flow& f) {
       f.options.unix_socket = true;
       f.options.limits.response_write_timeout = 2s;
       const std::string body = pattern(kMuch);
       const Stream s = f.get();
       App& app = f.accept_request();
       f.client().stop_reading(s);
       app.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kMuch) + "\r\n\r\n");
       say_until_stuck(f, app, body);
       f.pass(3s);
       EXPECT_EQ(f.running(), 0);
       f.client().read_on(s);
       f.expect_fault(s, Fault::kClientStalled, Stage::kAfterHead);
       EXPECT_TRUE(f.await_cut(app));
     }},
    {"ClientThatTakesALittleNowAndThenGetsAll",
     [](Flow& f) {
       Untaken response(f);
       for (int i = 0; i < 15; ++i) {
         f.pass(20s);
         ASSERT_FALSE(response.over()) << "after " << i << " times 20 seconds";
         response.take_a_little();
       }
       response.take_the_rest();
     }},
    {"ClientThatPausesForLessThanTheTimeoutGetsAll",
     [](Flow& f) {
       Untaken response(f);
       f.pass(50s);
       EXPECT_FALSE(response.over());
       response.take_the_rest();
     }},
    {"ClientThatTakesALittleAndThenNothingIsGivenUp",
     [](Flow& f) {
       Untaken response(f);
       f.pass(50s);
       response.take_a_little();
       f.pass(50s);
       EXPECT_EQ(f.running(), 1);
       f.pass(30s);
       EXPECT_EQ(f.running(), 0);
       EXPECT_EQ(f.record("/").fault, Fault::kClientStalled);
       EXPECT_TRUE(response.await_cut());
     }},
    {"ClientThatTakesNothingOfTheEndIsGivenUp",
     [](Flow& f) {
       f.options.unix_socket = true;
       const Stream s = f.get();
       App& app = f.accept_request();
       f.settle();
       f.client().take(s, 0);
       app.say(ok(pattern(100'000)));
       f.pass(80s);
       EXPECT_EQ(f.running(), 0);
       f.client().read_on(s);
       f.until([&] { return f.over(s); });
       EXPECT_EQ(f.response(s).end, End::kBroken);
       f.forget_records();
     }},
    {"SlowStreamDoesNotStopTheOther",
     [](Flow& f) {
       f.options.unix_socket = true;
       const std::string body = pattern(kMuch);
       const Stream slow = f.get("/slow");
       App& slow_app = f.accept_request();
       f.client().stop_reading(slow);
       slow_app.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kMuch) + "\r\n\r\n");
       std::size_t said = say_until_stuck(f, slow_app, body);
       const Stream fast = f.get("/fast");
       App& fast_app = f.accept_request();
       fast_app.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kMuch) + "\r\n\r\n");
       std::size_t fast_said = 0;
       f.until([&] {
         fast_said += fast_app.say_what_fits(std::string_view(body).substr(fast_said));
         return f.over(fast);
       });
       f.expect_response(fast, 200, body);
       EXPECT_FALSE(f.over(slow));
       f.client().read_on(slow);
       f.until([&] {
         said += slow_app.say_what_fits(std::string_view(body).substr(said));
         return f.over(slow);
       });
       f.expect_response(slow, 200, body);
     },
     kMultiplexed},
    {"UploadThatItsAppDoesNotReadDoesNotStopTheOther",
     [](Flow& f) {
       f.options.unix_socket = true;
       const Stream slow = f.open_post(BodyLength::unknown(), "/slow");
       f.client().send(slow, pattern(kMuch));
       App& slow_app = f.accept();
       f.pass(500ms);
       EXPECT_GT(f.client().unsent(slow), 0U);
       const Stream fast = f.open_post(BodyLength::known(300'000), "/fast");
       f.client().send(fast, pattern(300'000));
       f.client().finish(fast);
       App& fast_app = f.accept();
       f.await_request(fast_app);
       EXPECT_TRUE(fast_app.body() == pattern(300'000));
       f.respond(fast_app, ok("done"), fast);
       f.expect_response(fast, 200, "done");
       f.client().reset(slow);
       f.expect_gone("/slow", 499);
       EXPECT_TRUE(f.await_cut(slow_app));
     },
     kMultiplexed},
};

}  // namespace
}  // namespace gatehouse::flow
