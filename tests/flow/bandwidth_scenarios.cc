// The bandwidth of a route: the same total however many streams share it, in both directions and in tunnels; and nobody
// is blamed for the time in which our own throttle is what is waited for.
#include <format>

#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

constexpr std::size_t kRate = 100'000;

void throttle(Flow& f, std::size_t rate = kRate) {
  f.options.unix_socket = true;
  f.options.route.throttle = std::make_shared<RouteThrottle>(rate);
}

// Lets time pass until it is done; returns how much that was.
Duration time_until(Flow& f, const std::function<bool()>& done, Duration most = 60s) {
  Duration time{};
  for (; time < most && !done(); time += 20ms) f.pass(20ms);
  return time;
}

void expect_seconds(Duration time, double seconds) {
  const double taken = std::chrono::duration<double>(time).count();
  EXPECT_GE(taken, seconds * 0.95);
  EXPECT_LE(taken, seconds * 1.05 + 0.05);
}

// Downloads on as many streams at once as the protocol has; returns how long they took.
Duration download(Flow& f, std::size_t count, std::size_t each) {
  const std::string body(each, 'x');
  std::vector<Stream> streams;
  std::vector<App*> apps;
  std::vector<std::size_t> said(count);
  for (std::size_t i = 0; i < count; ++i) {
    streams.push_back(f.get("/" + std::to_string(i)));
    apps.push_back(&f.accept_request());
    apps.back()->say(std::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", each));
  }
  const Duration time = time_until(f, [&] {
    bool all = true;
    for (std::size_t i = 0; i < count; ++i) {
      said[i] += apps[i]->say_what_fits(std::string_view(body).substr(said[i]));
      all = all && f.over(streams[i]);
    }
    return all;
  });
  for (const Stream s : streams) f.expect_response(s, 200, body);
  return time;
}

Duration upload(Flow& f, std::size_t count, std::size_t each) {
  std::vector<Stream> streams;
  std::vector<App*> apps;
  for (std::size_t i = 0; i < count; ++i) {
    streams.push_back(f.open_post(BodyLength::known(each), "/" + std::to_string(i)));
    f.client().send(streams.back(), std::string(each, 'x'));
    f.client().finish(streams.back());
    apps.push_back(&f.accept());
  }
  const Duration time = time_until(f, [&] {
    bool all = true;
    for (App* const app : apps) all = app->has_request() && all;
    return all;
  });
  for (App* const app : apps) {
    EXPECT_EQ(app->body().size(), each);
    app->forget();
    app->say(ok("done"));
  }
  for (const Stream s : streams) f.expect_response(s, 200, "done");
  return time;
}

const Table kTable = {
    {"OneDownloadHasTheBandwidth",
     [](Flow& f) {
       throttle(f);
       expect_seconds(download(f, 1, 5 * kRate), 5);
     }},
    {"ManyDownloadsShareTheBandwidth",
     [](Flow& f) {
       throttle(f);
       expect_seconds(download(f, 10, kRate / 2), 5);
     }},
    {"OneUploadHasTheBandwidth",
     [](Flow& f) {
       throttle(f);
       expect_seconds(upload(f, 1, 5 * kRate), 5);
     }},
    {"ManyUploadsShareTheBandwidth",
     [](Flow& f) {
       throttle(f);
       expect_seconds(upload(f, 10, kRate / 2), 5);
     }},
    {"AnUploadWaitsAtItsClientAndNotWithUs",
     [](Flow& f) {
       throttle(f);
       const Stream s = f.open_post(BodyLength::known(3'000'000));
       f.client().send(s, std::string(3'000'000, 'x'));
       App& app = f.accept();
       f.pass(2s);
       EXPECT_GT(f.client().unsent(s), 3'000'000 - 2 * kRate - 300'000);
       f.client().reset(s);
       f.expect_gone("/", 499);
       EXPECT_TRUE(f.await_cut(app));
     }},
    {"WhatIsShortIsNotHeldUp",
     [](Flow& f) {
       throttle(f);
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say(ok(std::string(1000, 'x')));
       EXPECT_LT(time_until(f, [&] { return f.over(s); }), 100ms);
       f.expect_response(s, 200, std::string(1000, 'x'));
     }},
    {"OtherRoutesAreNotSlowedDown",
     [](Flow& f) {
       throttle(f, 1000);
       f.options.others = {
           {.name = "free", .path = "/free", .action = RespondWith{.status = 200, .body = std::string(30'000, 'x')}}};
       const Stream s = f.get("/free");
       EXPECT_LT(time_until(f, [&] { return f.over(s); }), 500ms);
       f.expect_response(s, 200, std::string(30'000, 'x'));
     }},
    {"ResponsesOfOurOwnShareItToo",
     [](Flow& f) {
       f.options.others = {{.name = "said",
                            .path = "/said",
                            .action = RespondWith{.status = 200, .body = std::string(30'000, 'x')},
                            .throttle = std::make_shared<RouteThrottle>(10'000)}};
       const Stream s = f.get("/said");
       expect_seconds(time_until(f, [&] { return f.over(s); }), 3);
       f.expect_response(s, 200, std::string(30'000, 'x'));
     }},
    {"NobodyIsBlamedWhileTheThrottleIsWhatIsWaitedFor",
     [](Flow& f) {
       throttle(f, 1000);
       f.options.limits.request_body_timeout = 2s;
       f.options.limits.response_timeout = 2s;
       f.options.limits.response_body_timeout = 2s;
       f.options.limits.response_write_timeout = 2s;
       const std::string body(40'000, 'x');
       const Stream s = f.open_post(BodyLength::known(body.size()));
       f.client().send(s, body);
       f.client().finish(s);
       App& app = f.accept();
       expect_seconds(time_until(f, [&] { return app.has_request() || f.over(s); }), 40);
       app.forget();
       app.say(ok(body));
       expect_seconds(time_until(f, [&] { return f.over(s); }), 40);
       f.expect_response(s, 200, body);
     }},
    {"ATunnelSharesItInBothDirections",
     [](Flow& f) {
       throttle(f);
       f.options.route.upgrade = {"raw"};
       const std::string much(2 * kRate, 'x');
       const Stream s = f.begin({.target = "/", .upgrade = "raw"});
       App& app = f.accept_request();
       app.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n");
       f.until([&] { return f.response(s).status != 0; });
       f.client().send(s, much);
       std::size_t said = 0;
       expect_seconds(time_until(f,
                                 [&] {
                                   said += app.say_what_fits(std::string_view(much).substr(said));
                                   return app.body().size() == much.size() && f.response(s).body.size() == much.size();
                                 }),
                      2);
       f.client().finish(s);
       f.until([&] { return app.cut(); });
       app.finish();
       f.until([&] { return f.over(s); });
       EXPECT_EQ(f.only_record().fault, std::nullopt);
     }},
};

}  // namespace
}  // namespace gatehouse::flow
