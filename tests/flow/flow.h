// The world of one scenario: a client of one protocol, the real codecs, forwarder and pools, and apps that the scenario
// scripts, on a clock that stands still but for a millisecond a turn while something is awaited. Made and owned by the
// test; one thread.
//
// What every scenario must leave behind is checked by finish(): one record for each request and no other, no permit or
// connection still taken, and three tagged requests of a fresh client that each get their own answer.
#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "proxy/forward/delegation.h"
#include "proxy/forward/early_hints.h"
#include "proxy/forward/registered_routes.h"
#include "proxy/forward/route_table.h"
#include "proxy/http/exchange/exchange.h"
#include "proxy/upstream/upstream_pools.h"
#include "tests/flow/app.h"
#include "tests/flow/dialect.h"
#include "tests/flow/flow_client.h"
#include "tests/flow/front.h"
#include "tests/support/disorder.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse::flow {

using namespace std::chrono_literals;
using Stream = FlowClient::Stream;

// One exchange as the log has it.
struct Record {
  std::string target;
  int status = 0;
  std::optional<Fault> fault;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint32_t attempts = 0;
  bool reused = false;
  std::string upstream;
  std::string delegations;  // "shop>orders handed_over, ..."
};

class Records final : public ExchangeObserver {
 public:
  void on_begin(const Exchange&) override { ++running; }
  void on_end(const Exchange& exchange) override;
  std::optional<Record> take(std::string_view target);  // the first of them

  int running = 0;
  std::deque<Record> ended;
};

// What the scenario may change before its first request.
struct FlowOptions {
  ExchangeLimits limits;  // of the listener and of every route
  ListenerPolicy policy;
  UpstreamOptions upstream{.balance = Balance::kRoundRobin};
  Route route;                                // to the upstream
  std::vector<Route> others;                  // that answer by themselves
  std::shared_ptr<const SendFile> send_file;  // files that the app may name
  bool refused_first = false;                 // an endpoint where nobody listens comes first
  bool unix_socket = false;                   // bounded buffers on the way to the app
  std::optional<uid_t> listening_user;        // of an app: who alone may listen on its Unix socket
  bool listening = true;
  std::optional<Obstacle> obstacle;  // what stands against the endpoint
  // To whom each upstream may hand requests, "shop" first of all; every other name is an upstream with an app of its own.
  std::map<std::string, std::vector<std::string>> delegate_to;
  UpstreamOptions delegate{.balance = Balance::kRoundRobin};  // of these others
  std::string registered;  // the prefix by which the app has registered itself, in place of `route`
};

class Flow {
 public:
  explicit Flow(Protocol protocol);
  ~Flow();

  FlowOptions options;
  Protocol protocol() const { return protocol_; }
  bool is(Protocol protocol) const { return protocol_ == protocol; }

  // --- the client ---
  FlowClient& client();
  Stream begin(const Request& request);
  Stream get(const std::string& target = "/", const Fields& fields = {});
  Stream post(const std::string& body, BodyLength length);  // complete; of that length as announced
  Stream open_post(BodyLength length, const std::string& target = "/");
  const Response& response(Stream stream) { return client().response(stream); }
  bool over(Stream stream) { return response(stream).end != End::kNone; }

  // --- the app ---
  App& accept();          // the next connection
  App& accept_request();  // and its first head
  App& accept_request_at(const std::string& upstream);
  App* visitor();          // the next connection if there is one now
  bool nobody_connects();  // any more, once all has settled
  bool nobody_connects_to(const std::string& upstream);
  void await_head(App& app);
  void await_request(App& app);
  void listen_again() { back_.app->listen_again(); }
  bool await_cut(App& app);                                       // the proxy has closed it
  void respond(App& app, std::string_view bytes, Stream stream);  // and until the client has all of it

  // --- time and turns ---
  void turn();
  bool until(const std::function<bool()>& done);
  void settle();  // all that can happen without the clock
  void pass(Duration time);
  void stall(testing_support::Random& random);  // beyond all deadlines, then until all has settled

  // --- what must have happened ---
  void expect_response(Stream stream, int status, std::string_view body);
  void expect_fault(Stream stream, Fault fault, Stage stage = Stage::kBeforeHead);
  void expect_fault(Stream stream, Fault fault, const Ending& ending);
  Record record(const std::string& target);  // waits for it
  Record only_record();                      // likewise, whatever its target
  void forget_records() { records_.ended.clear(); }
  void expect_gone(const std::string& target, int status);
  void expect_pool(std::size_t idle);  // and nothing active
  void expect_pool_of(const std::string& upstream, std::size_t idle);
  void drain() { front_->drain(); }
  std::uint64_t retries(RetryReason reason);
  std::uint64_t repairs(Repair repair);
  const std::string& target_of(Stream stream) { return targets_[stream]; }
  int running() const { return records_.running; }
  Front& front() { return *front_; }

  enum class Probe { kYes, kNo };
  void finish(Probe probe = Probe::kYes);  // once; at the end of every scenario that has not called it

 private:
  void start();
  void make_delegates();
  App& accept_from(testing_support::ScriptedEndpoint& endpoint);
  void expect_pool_at(const Address& address, std::size_t idle);
  Route shop() const;
  std::vector<Route> routes() const;
  void probe();
  void respond_to_probe(FlowClient& client, const std::string& target);
  void step_clients();

  Protocol protocol_;
  ManualClock clock_;
  EventLoop loop_{clock_};
  Records records_;
  struct Back {
    explicit Back(EventLoop& loop);
    testing_support::TemporaryFolder folder;
    std::map<std::string, EndpointCounters> endpoints;
    std::map<std::string, UpstreamCounters> upstreams;
    UpstreamPools pools;
    EarlyHints hints;
    std::shared_ptr<Upstream> upstream;
    std::vector<std::shared_ptr<Upstream>> delegates;
    std::shared_ptr<std::vector<Delegator>> delegators = std::make_shared<std::vector<Delegator>>();
    std::shared_ptr<const RouteTable> routes;
    std::shared_ptr<const RegisteredRoutes> registered;
    std::optional<testing_support::ScriptedEndpoint> app;
    std::map<std::string, testing_support::ScriptedEndpoint> delegate_apps;
  };
  Back back_{loop_};
  ExchangeContext exchanges_;
  std::unique_ptr<Front> front_;
  std::deque<std::unique_ptr<FlowClient>> clients_;
  std::deque<App> apps_;
  std::map<Stream, std::string> targets_;
  bool finished_ = false;
};

}  // namespace gatehouse::flow
