// What workers count comes out on the page under the names that dashboards use.
#include "proxy/observe/metrics.h"

#include <chrono>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/http/alt_svc_state.h"
#include "proxy/observe/worker_metrics.h"
#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace testing_support;

std::size_t count_of(std::string_view text, std::string_view piece) {
  std::size_t count = 0;
  for (std::size_t at = text.find(piece); at != std::string_view::npos; at = text.find(piece, at + 1)) ++count;
  return count;
}

class MetricsTest : public ::testing::Test, private ExchangeObserver {
 protected:
  MetricsTest() { metrics.add(worker); }

  // One exchange that took `took` and of which `record` is known.
  void exchange(Protocol protocol, std::uint16_t code, Duration took, const ExchangeRecord& known = {}) {
    ExchangeContext context{.loop = world.loop, .observer = *this, .make_responder = nullptr};
    Waker waker(world.loop, [] {});
    ClientInfo client{.protocol = protocol, .listener = policy};
    Exchange exchange(context, client, request_head("GET"), waker);
    exchange.record() = known;
    exchange.record().started = world.loop.now();
    exchange.record().status = code;
    world.clock.advance(took);
    exchange.respond({.status = code}, "hello");
    (void)exchange.response_body().read(100);
  }

  std::string page() { return metrics.page(world.clock.monotonic()); }

  ServerStatus status;
  ControlMetrics control;
  Metrics metrics{status, control};
  std::shared_ptr<WorkerMetrics> worker = std::make_shared<WorkerMetrics>();
  UpstreamWorld world;
  std::shared_ptr<ListenerPolicy> policy = [] {
    auto made = std::make_shared<ListenerPolicy>();
    made->name = ":8443";
    return made;
  }();

 private:
  void on_begin(const Exchange& exchange) override { worker->exchange_began(exchange); }
  void on_end(const Exchange& exchange) override {
    worker->exchange_ended(exchange, world.clock.monotonic() - exchange.record().started);
  }
};

TEST_F(MetricsTest, RequestsAreCountedByListenerProtocolRouteAndCode) {
  exchange(Protocol::kH2, 200, 1ms, {.route = "*/"});
  exchange(Protocol::kH2, 200, 1ms, {.route = "*/"});
  exchange(Protocol::kH3, 404, 1ms, {.route = "*/"});
  const std::string page = this->page();
  EXPECT_THAT(page, HasSubstr(R"(gatehouse_requests_total{listener=":8443",protocol="h2",route="*/",code="200"} 2)"));
  EXPECT_THAT(page, HasSubstr(R"(gatehouse_requests_total{listener=":8443",protocol="h3",route="*/",code="404"} 1)"));
  EXPECT_THAT(page, HasSubstr(R"(gatehouse_requests_in_flight{listener=":8443",protocol="h2"} 0)"));
  EXPECT_THAT(page, HasSubstr(R"(gatehouse_response_body_bytes_total{protocol="h2"} 10)"));
}

TEST_F(MetricsTest, WhatRunsIsInFlight) {
  ExchangeContext context{.loop = world.loop, .observer = world.observer, .make_responder = nullptr};
  Waker waker(world.loop, [] {});
  const Exchange running(context, {.protocol = Protocol::kH1, .listener = policy}, request_head("GET"), waker);
  worker->exchange_began(running);
  EXPECT_THAT(page(), HasSubstr(R"(gatehouse_requests_in_flight{listener=":8443",protocol="h1"} 1)"));
}

TEST_F(MetricsTest, ACodeThatIsNoneCannotMakeUpLabels) {
  exchange(Protocol::kH1, 999, 1ms);
  EXPECT_THAT(page(), HasSubstr(R"(code="unknown"} 1)"));
}

TEST_F(MetricsTest, DurationsFallIntoTheirBuckets) {
  exchange(Protocol::kH1, 200, 500us, {.route = "r"});
  exchange(Protocol::kH1, 200, 501us, {.route = "r"});
  exchange(Protocol::kH1, 200, 121s, {.route = "r"});
  const std::string page = this->page();
  EXPECT_THAT(page, HasSubstr(R"(gatehouse_request_duration_seconds_bucket{protocol="h1",route="r",le="0.0005"} 1)"));
  EXPECT_THAT(page, HasSubstr(R"(gatehouse_request_duration_seconds_bucket{protocol="h1",route="r",le="0.001"} 2)"));
  EXPECT_THAT(page, HasSubstr(R"(gatehouse_request_duration_seconds_bucket{protocol="h1",route="r",le="120"} 2)"));
  EXPECT_THAT(page, HasSubstr(R"(gatehouse_request_duration_seconds_bucket{protocol="h1",route="r",le="+Inf"} 3)"));
  EXPECT_THAT(page, HasSubstr(R"(gatehouse_request_duration_seconds_count{protocol="h1",route="r"} 3)"));
}

TEST_F(MetricsTest, TimeThatBodiesWaitedForBandwidthIsCountedByRoute) {
  exchange(Protocol::kH1, 200, 1ms, {.route = "slow", .throttled = 1500ms});
  exchange(Protocol::kH3, 404, 1ms, {.route = "slow", .throttled = 500ms});
  exchange(Protocol::kH1, 200, 1ms, {.route = "fast"});
  const std::string page = this->page();
  EXPECT_THAT(page, HasSubstr("gatehouse_throttled_seconds_total{route=\"slow\"} 2\n"));
  EXPECT_THAT(page, Not(HasSubstr("gatehouse_throttled_seconds_total{route=\"fast\"}")));
}

TEST_F(MetricsTest, DurationsAtEndpointsAreOneSeriesForTheirUpstream) {
  exchange(Protocol::kH1, 200, 1ms, {.upstream = "shop", .endpoint = "127.0.0.1:5000", .attempts = 1});
  exchange(Protocol::kH1, 200, 1ms, {.upstream = "shop", .endpoint = "127.0.0.1:5001", .attempts = 1});
  const std::string page = this->page();
  EXPECT_THAT(page, HasSubstr(R"(gatehouse_upstream_request_duration_seconds_count{upstream="shop"} 2)"));
  EXPECT_THAT(page, Not(HasSubstr(R"(gatehouse_upstream_request_duration_seconds_count{upstream="shop",)")));
}

TEST_F(MetricsTest, UpstreamRequestsHaveTheEndpointsOwnCode) {
  const ExchangeRecord known{.upstream = "shop", .endpoint = "127.0.0.1:5000", .attempts = 1};
  exchange(Protocol::kH1, 503, 1ms, known);
  ExchangeRecord refused = known;
  refused.fault = Fault::kConnectRefused;
  exchange(Protocol::kH1, 502, 1ms, refused);
  ExchangeRecord cut = known;
  cut.fault = Fault::kUpstreamTruncated;
  exchange(Protocol::kH1, 200, 1ms, cut);
  exchange(Protocol::kH1, 503, 1ms, {.upstream = "shop", .attempts = 0, .fault = Fault::kQueueFull});
  const std::string page = this->page();
  const auto requests = [](const char* code) {
    return std::string(R"(gatehouse_upstream_requests_total{upstream="shop",endpoint="127.0.0.1:5000",code=")") + code +
           R"("} 1)";
  };
  EXPECT_THAT(page, HasSubstr(requests("503")));
  EXPECT_THAT(page, HasSubstr(requests("none")));
  EXPECT_THAT(page, HasSubstr(requests("200")));
  EXPECT_THAT(page, Not(HasSubstr(R"(upstream="shop",endpoint="",)"))) << "what waited in vain went to no endpoint";
  EXPECT_THAT(page, HasSubstr(R"(gatehouse_upstream_request_duration_seconds_count{upstream="shop"} 3)"));
  EXPECT_THAT(page, HasSubstr(R"(gatehouse_faults_total{fault="connect_refused",blame="upstream"} 1)"));
  EXPECT_THAT(page, HasSubstr(R"(gatehouse_faults_total{fault="no_route",blame=)")) << "at zero before the first one";
}

TEST_F(MetricsTest, WhoHandsARequestOverHasAnsweredIt) {
  ExchangeRecord record{.upstream = "orders", .endpoint = "127.0.0.1:5001", .attempts = 2};
  record.delegations = {{.upstream = "router",
                         .endpoint = "127.0.0.1:5000",
                         .target = "orders",
                         .status = 204,
                         .took = 1ms,
                         .result = Delegation::Result::kHandedOver},
                        {.upstream = "orders",
                         .endpoint = "127.0.0.1:5001",
                         .target = "router",
                         .status = 200,
                         .took = 1ms,
                         .result = Delegation::Result::kLoop}};
  exchange(Protocol::kH1, 200, 3ms, record);
  const std::string page = this->page();
  EXPECT_THAT(page,
              HasSubstr(R"(gatehouse_delegations_total{upstream="router",target="orders",result="handed_over"} 1)"));
  EXPECT_THAT(page, HasSubstr(R"(gatehouse_delegations_total{upstream="orders",target="router",result="loop"} 1)"));
  EXPECT_THAT(
      page,
      HasSubstr(R"(gatehouse_upstream_requests_total{upstream="router",endpoint="127.0.0.1:5000",code="204"} 1)"));
  EXPECT_EQ(count_of(page, R"(gatehouse_upstream_requests_total{upstream="orders")"), 1U);
}

TEST_F(MetricsTest, WorkersAreAddedUp) {
  const auto other = std::make_shared<WorkerMetrics>();
  metrics.add(other);
  for (const auto& one : {worker, other}) {
    ListenerCounters& counters = one->listener(":8443");
    counters.connections_total[2].add(3);
    counters.connections[2].add(1);
    counters.handshakes[1][2][0].add(2);
    counters.handshake_failures[0].add(1);
    counters.cut[static_cast<std::size_t>(Abuse::kExcessiveHead)].add(1);
    counters.datagrams_received.add(7);
    counters.datagrams_sent.add(8);
    counters.migrations.add(9);
    one->endpoint("shop", "127.0.0.1:5000").connects_ok.add(4);
    one->upstream("shop").retries[static_cast<std::size_t>(RetryReason::kStale)].add(5);
    one->upstream("shop").repairs[static_cast<std::size_t>(Repair::kChunkSize)].add(7);
    one->upstream("shop").waiting.add(6);
  }
  const std::string page = this->page();
  for (const char* sample : {
           R"(gatehouse_connections_total{listener=":8443",protocol="h2"} 6)",
           R"(gatehouse_connections{listener=":8443",protocol="h2"} 2)",
           R"(gatehouse_tls_handshakes_total{listener=":8443",version="1.3",protocol="h2",resumed="false"} 4)",
           R"(gatehouse_tls_handshake_failures_total{listener=":8443",reason="timeout"} 2)",
           R"(gatehouse_connections_cut_total{listener=":8443",reason="excessive_head"} 2)",
           R"(gatehouse_quic_datagrams_received_total{listener=":8443"} 14)",
           R"(gatehouse_quic_datagrams_sent_total{listener=":8443"} 16)",
           R"(gatehouse_quic_datagrams_dropped_total{listener=":8443"} 0)",
           R"(gatehouse_quic_migrations_total{listener=":8443"} 18)",
           R"(gatehouse_upstream_connects_total{upstream="shop",endpoint="127.0.0.1:5000",result="ok"} 8)",
           R"(gatehouse_upstream_retries_total{upstream="shop",reason="stale"} 10)",
           R"(gatehouse_upstream_repairs_total{upstream="shop",repair="chunk_size"} 14)",
           R"(gatehouse_upstream_queue{upstream="shop"} 12)",
       }) {
    EXPECT_THAT(page, HasSubstr(sample));
  }
}

TEST_F(MetricsTest, SeriesOfWhatHasGoneAreShownForAWhileAndThenHidden) {
  status.listeners = {":8443"};
  control.endpoints = {{.upstream = "shop", .endpoint = "10.0.0.1:80"}};
  control.health_checks[{"shop", "10.0.0.1:80", "passed"}] = 5;
  control.ejections[{"shop", "10.0.0.1:80"}] = 1;
  const ExchangeRecord known{.upstream = "shop", .endpoint = "10.0.0.1:80", .attempts = 1};
  exchange(Protocol::kH1, 200, 1ms, known);
  worker->endpoint("shop", "10.0.0.1:80").connects_ok.add(3);
  worker->endpoint("shop", "10.0.0.1:80").connections_idle.add();
  worker->listener(":8443").connections_total[0].add(7);
  const auto endpoints = [&] { return count_of(page(), "endpoint=\"10.0.0.1:80\""); };
  const auto listeners = [&] { return count_of(page(), "listener=\":8443\""); };
  const std::size_t all_of_endpoint = endpoints();
  const std::size_t all_of_listener = listeners();
  EXPECT_GT(all_of_endpoint, 10U);
  EXPECT_GT(all_of_listener, 10U);

  control.endpoints.clear();
  status.listeners.clear();
  world.clock.advance(1h);
  EXPECT_EQ(endpoints(), all_of_endpoint - 1) << "still connected; only endpoint_healthy goes at once";
  worker->endpoint("shop", "10.0.0.1:80").connections_idle.subtract();
  for (int minute = 0; minute < 10; ++minute) {
    EXPECT_EQ(endpoints(), all_of_endpoint - 1) << minute;
    world.clock.advance(1min);
  }
  EXPECT_EQ(endpoints(), 0U);
  EXPECT_EQ(listeners(), 0U);
  EXPECT_THAT(page(), HasSubstr("gatehouse_upstream_request_duration_seconds_count{upstream=\"shop\"} 1"));

  control.endpoints = {{.upstream = "shop", .endpoint = "10.0.0.1:80"}};
  exchange(Protocol::kH1, 200, 1ms, known);
  EXPECT_THAT(page(),
              HasSubstr(R"(gatehouse_upstream_requests_total{upstream="shop",endpoint="10.0.0.1:80",code="200"} 2)"))
      << "no count goes back";
  EXPECT_EQ(endpoints(), all_of_endpoint);
}

TEST_F(MetricsTest, TwoScrapesShowTheLastCountsHoweverRareTheyAre) {
  worker->endpoint("shop", "10.0.0.1:80").connects_ok.add();
  EXPECT_THAT(page(), HasSubstr("10.0.0.1:80"));
  world.clock.advance(1h);
  EXPECT_THAT(page(), HasSubstr("10.0.0.1:80"));
  world.clock.advance(1h);
  EXPECT_THAT(page(), Not(HasSubstr("10.0.0.1:80")));
}

TEST_F(MetricsTest, AnUpstreamWhoseEndpointsComeAndGoKeepsThePageSmall) {
  std::size_t most = 0;
  for (int n = 0; n < 200; ++n) {
    const std::string address = "10.0.0." + std::to_string(n) + ":80";
    control.endpoints = {{.upstream = "shop", .endpoint = address}};
    exchange(Protocol::kH1, 200, 1ms, {.upstream = "shop", .endpoint = address, .attempts = 1});
    worker->endpoint("shop", address).connects_ok.add();
    world.clock.advance(1min);
    const std::string shown = page();
    EXPECT_THAT(shown, HasSubstr(address));
    if (n == 20) most = count_of(shown, "\n");
    if (n > 20) {
      EXPECT_LE(count_of(shown, "\n"), most);
    }
  }
}

TEST_F(MetricsTest, TheServersOwnStateIsThere) {
  status.draining = true;
  status.last_reload_ok = false;
  status.last_reload = WallTime(std::chrono::seconds(1'700'000'000));
  const auto proven = std::make_shared<AltSvcState>();
  proven->set(AltSvcState::Standing::kAdvertised, "");
  const auto withdrawn = std::make_shared<AltSvcState>();
  withdrawn->set(AltSvcState::Standing::kWithdrawn, "");
  status.alt_svc = {{.listener = ":8443", .state = proven},
                    {.listener = ":8444", .state = withdrawn},
                    {.listener = ":8445", .state = std::make_shared<AltSvcState>()},
                    {.listener = ":8446", .state = nullptr}};
  status.certificates.push_back(
      {.listener = ":8443", .certificate = "a\"b.pem", .expires = WallTime(std::chrono::seconds(2'000'000'000))});
  status.access_log_dropped = 3;
  const std::string page = this->page();
  for (const char* sample : {
           "gatehouse_build_info{version=\"",
           "gatehouse_draining 1",
           "gatehouse_config_last_reload_success 0",
           "gatehouse_config_last_reload_timestamp_seconds 1700000000",
           R"(gatehouse_alt_svc_advertised{listener=":8443"} 1)",
           R"(gatehouse_alt_svc_advertised{listener=":8444"} 0)",
           R"(gatehouse_alt_svc_advertised{listener=":8445"} 0)",
           R"(gatehouse_alt_svc_advertised{listener=":8446"} 0)",
           R"(gatehouse_certificate_expiry_timestamp_seconds{listener=":8443",certificate="a\"b.pem"} 2000000000)",
           "gatehouse_access_log_dropped_total 3",
           "process_open_fds ",
           "process_resident_memory_bytes ",
           "process_cpu_seconds_total ",
       }) {
    EXPECT_THAT(page, HasSubstr(sample));
  }
}

}  // namespace
}  // namespace gatehouse
