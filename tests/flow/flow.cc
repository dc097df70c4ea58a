#include "tests/flow/flow.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <utility>

#include "common/text.h"
#include "proxy/forward/routing.h"
#include "tests/support/endpoint_testing.h"

namespace gatehouse::flow {

namespace {

using testing_support::endpoint_at;

constexpr std::chrono::seconds kPatience{20};  // of real time, for what is there at once or never
constexpr Duration kTurn = 1ms;
constexpr int kTurnsWithTime = 500;
constexpr int kRareTurn = 64;
constexpr int kProbes = 3;

}  // namespace

void Records::on_end(const Exchange& exchange) {
  --running;
  const ExchangeRecord& record = exchange.record();
  std::string delegations;
  for (const Delegation& each : record.delegations) {
    text::add_to_list(delegations, std::format("{}>{} {}", each.upstream, each.target, label(each.result)));
  }
  ended.push_back({.target = exchange.request().target,
                   .status = record.status,
                   .fault = record.fault,
                   .bytes_in = exchange.bytes_in(),
                   .bytes_out = exchange.bytes_out(),
                   .attempts = record.attempts,
                   .reused = record.upstream_reused,
                   .upstream = std::string(record.upstream),
                   .delegations = std::move(delegations)});
}

std::optional<Record> Records::take(std::string_view target) {
  const auto found = std::ranges::find(ended, target, &Record::target);
  if (found == ended.end()) return std::nullopt;
  Record record = std::move(*found);
  ended.erase(found);
  return record;
}

Flow::Back::Back(EventLoop& loop)
    : pools(loop,
            {.endpoint = [this](const Endpoint& endpoint) -> EndpointCounters& { return endpoints[endpoint.name()]; },
             .upstream = [this](std::string_view name) -> UpstreamCounters& { return upstreams[std::string(name)]; }}) {
}

Flow::Flow(Protocol protocol)
    : protocol_(protocol),
      exchanges_{.loop = loop_, .observer = records_, .make_responder = [this](Exchange& exchange) {
                   return make_responder(exchange, {.configured = back_.routes, .registered = back_.registered.get()},
                                         back_.pools, back_.hints);
                 }} {
  options.policy.name = "test";
  options.policy.secure = true;
}

Flow::~Flow() {
  clients_.clear();
  front_.reset();
  back_.pools.close_idle();
  for (int i = 0; i < 4; ++i) loop_.turn(EventLoop::Wait::kNever);
}

// --- the world is made with the first request ---

void Flow::start() {
  if (front_) return;
  const std::string path = "unix:" + (back_.folder.path() / "app").string();
  back_.app.emplace(Address::parse(options.unix_socket ? path : "127.0.0.1:0").value());
  std::vector<EndpointSet::Member> members;
  if (options.refused_first) members.push_back({.endpoint = endpoint_at(testing_support::refused_address())});
  members.push_back({.endpoint = endpoint_at(back_.app->address(), 0, {}, options.listening_user)});
  if (options.obstacle) members.back().endpoint->set(*options.obstacle);
  back_.upstream = testing_support::upstream_with(testing_support::set_with(std::move(members)), options.upstream);
  make_delegates();
  back_.routes = std::make_shared<const RouteTable>(routes());
  if (!options.registered.empty()) {
    auto entry = std::make_shared<RegisteredRoute>();
    entry->prefix = *UrlPrefix::parse(options.registered);
    entry->route = shop();
    entry->route.path = entry->prefix.path;
    back_.registered = std::make_shared<const RegisteredRoutes>(std::vector<RegisteredRoutes::Entry>{std::move(entry)});
  }
  auto policy = std::make_shared<ListenerPolicy>(options.policy);
  policy->exchange = options.limits;
  if (!options.listening) back_.app->stop_listening();
  front_ = std::make_unique<Front>(clock_, loop_, exchanges_, std::move(policy));
}

Route Flow::shop() const {
  Route route = options.route;
  route.name = "shop";
  const std::vector<Delegator>& delegators = *back_.delegators;
  std::shared_ptr<const Delegator> delegator;
  if (!delegators.empty()) delegator = {back_.delegators, &delegators.front()};
  route.action =
      ForwardTo{.upstream = back_.upstream, .delegator = std::move(delegator), .send_file = options.send_file};
  route.limits = options.limits;
  return route;
}

std::vector<Route> Flow::routes() const {
  std::vector<Route> routes = options.others;
  if (options.registered.empty()) routes.push_back(shop());
  routes.push_back({.name = "probe", .hosts = {"probe.test"}, .action = ForwardTo{back_.upstream}});
  for (Route& each : routes) each.limits = options.limits;
  return routes;
}

// --- the client ---

FlowClient& Flow::client() {
  start();
  if (clients_.empty()) clients_.push_back(FlowClient::make(protocol_, *front_, [this] { turn(); }));
  return *clients_.front();
}

Stream Flow::begin(const Request& request) {
  const Stream stream = client().begin(request);
  targets_[stream] = request.target;
  return stream;
}

Stream Flow::get(const std::string& target, const Fields& fields) {
  return begin({.target = target, .fields = fields});
}

Stream Flow::open_post(BodyLength length, const std::string& target) {
  return begin({.method = "POST", .target = target, .body = length});
}

Stream Flow::post(const std::string& body, BodyLength length) {
  const Stream stream = open_post(length);
  if (!body.empty()) client().send(stream, body);
  client().finish(stream);
  return stream;
}

// --- the app ---

App& Flow::accept() {
  return accept_from(*back_.app);
}

App& Flow::accept_from(testing_support::ScriptedEndpoint& endpoint) {
  std::optional<testing_support::ScriptedConnection> connection;
  until([&] { return (connection = endpoint.accept()).has_value(); });
  if (!connection) connection.emplace(Fd());
  return apps_.emplace_back(*std::move(connection));
}

App& Flow::accept_request() {
  App& app = accept();
  await_head(app);
  return app;
}

bool Flow::nobody_connects() {
  settle();
  return !back_.app->accept().has_value();
}

App* Flow::visitor() {
  auto connection = back_.app->accept();
  return connection ? &apps_.emplace_back(*std::move(connection)) : nullptr;
}

void Flow::await_head(App& app) {
  until([&] { return app.has_head() || app.cut(); });
}

void Flow::await_request(App& app) {
  until([&] { return app.has_request() || app.cut(); });
}

bool Flow::await_cut(App& app) {
  return until([&] { return app.cut(); });
}

void Flow::respond(App& app, std::string_view bytes, Stream stream) {
  app.forget();
  app.say(bytes);
  until([&] { return over(stream); });
  settle();
}

// --- time and turns ---

void Flow::turn() {
  clock_.advance(kTurn);
  for (const auto& client : clients_) client->step();
  loop_.turn(EventLoop::Wait::kNever);
}

bool Flow::until(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (int turns = 0; !done(); ++turns) {
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "what the scenario waits for did not happen";
      return false;
    }
    // A kernel that is late must not look like an app that is.
    if (turns < kTurnsWithTime || turns % kRareTurn == 0) {
      turn();
    } else {
      step_clients();
    }
  }
  return true;
}

void Flow::step_clients() {
  for (const auto& client : clients_) client->step();
  loop_.turn(EventLoop::Wait::kNever);
}

void Flow::settle() {
  pass(40ms);
}

void Flow::pass(Duration time) {
  const Duration step = is(Protocol::kH3) ? 5ms : 20ms;
  for (; time > Duration::zero(); time -= step) {
    clock_.advance(std::min(time, step));
    for (int quiet = 0; quiet < 2;) {
      bool moved = false;
      for (const auto& client : clients_) moved = client->step() || moved;
      loop_.turn(EventLoop::Wait::kNever);
      quiet = moved ? 0 : quiet + 1;
    }
  }
}

void Flow::stall(testing_support::Random& random) {
  testing_support::stall(loop_, clock_, random);
  settle();
}

// --- what must have happened ---

Record Flow::record(const std::string& target) {
  std::optional<Record> found;
  until([&] { return (found = records_.take(target)).has_value(); });
  return found.value_or(Record{});
}

void Flow::expect_response(Stream stream, int status, std::string_view body) {
  until([&] { return over(stream); });
  const Response& seen = response(stream);
  EXPECT_EQ(seen.end, End::kClean);
  EXPECT_EQ(seen.status, status);
  EXPECT_TRUE(seen.body == body) << seen.body.size() << " bytes: " << seen.body.substr(0, 100);
  const Record noted = record(targets_[stream]);
  EXPECT_EQ(noted.status, status);
  EXPECT_EQ(noted.fault, std::nullopt) << rule(noted.fault.value_or(Fault::kInternalError)).label;
  EXPECT_EQ(noted.bytes_out, body.size());
}

void Flow::expect_fault(Stream stream, Fault fault, Stage stage) {
  expect_fault(stream, fault, ending_of(fault, stage, protocol_));
  if (stage == Stage::kBeforeHead && !ending_of(fault, stage, protocol_).responded) {
    EXPECT_EQ(response(stream).status, 0);
  }
}

void Flow::expect_fault(Stream stream, Fault fault, const Ending& ending) {
  until([&] { return over(stream); });
  const FaultRule& row = rule(fault);
  const Response& seen = response(stream);
  EXPECT_EQ(seen.end, ending.end);
  if (ending.responded) {
    EXPECT_EQ(seen.status, row.status);
    EXPECT_TRUE(seen.field("proxy-status").contains(row.proxy_status)) << seen.field("proxy-status");
    EXPECT_TRUE(seen.field("proxy-status").contains(row.label)) << seen.field("proxy-status");
    EXPECT_EQ(seen.field("cache-control"), "no-store");
  }
  if (ending.code) {
    EXPECT_EQ(seen.code, *ending.code);
  }
  settle();
  EXPECT_EQ(client().usable(stream), ending.connection_stays);
  const Record noted = record(targets_[stream]);
  EXPECT_EQ(noted.fault, fault) << (noted.fault ? rule(*noted.fault).label : "none");
}

Record Flow::only_record() {
  until([&] { return records_.running == 0 && !records_.ended.empty(); });
  EXPECT_EQ(records_.ended.size(), 1U);
  return records_.take(records_.ended.front().target).value_or(Record{});
}

void Flow::expect_gone(const std::string& target, int status) {
  const Record noted = record(target);
  EXPECT_EQ(noted.fault, Fault::kClientGone);
  EXPECT_EQ(noted.status, status);
}

void Flow::expect_pool(std::size_t idle) {
  expect_pool_at(back_.app->address(), idle);
}

void Flow::expect_pool_at(const Address& address, std::size_t idle) {
  settle();
  const EndpointCounters& counters = back_.endpoints[address.to_string()];
  EXPECT_EQ(counters.connections_idle.value(), idle);
  EXPECT_EQ(counters.connections_active.value(), 0U);
}

std::uint64_t Flow::retries(RetryReason reason) {
  return back_.upstreams["shop"].retries[static_cast<std::size_t>(reason)].value();
}

std::uint64_t Flow::repairs(Repair repair) {
  return back_.upstreams["shop"].repairs[static_cast<std::size_t>(repair)].value();
}

void Flow::finish(Probe wanted) {
  if (!front_ || std::exchange(finished_, true)) return;
  settle();
  if (wanted == Probe::kYes) probe();
  for (const auto& client : clients_) client->leave();
  settle();
  EXPECT_EQ(records_.running, 0);
  EXPECT_TRUE(records_.ended.empty()) << records_.ended.front().target << " " << records_.ended.front().status;
  for (const auto& endpoint : testing_support::endpoints_of(*back_.upstream)) EXPECT_EQ(endpoint->in_flight(), 0U);
  for (const auto& [name, counters] : back_.endpoints) EXPECT_EQ(counters.connections_active.value(), 0U);
  EXPECT_EQ(back_.upstream->waiting(), 0U);
  for (const auto& upstream : back_.delegates) {
    for (const auto& endpoint : testing_support::endpoints_of(*upstream)) EXPECT_EQ(endpoint->in_flight(), 0U);
    EXPECT_EQ(upstream->waiting(), 0U);
  }
}

// Whatever came before, others get what is theirs.
void Flow::probe() {
  clients_.push_back(FlowClient::make(protocol_, *front_, [this] { turn(); }));
  for (int i = 1; i <= kProbes; ++i) respond_to_probe(*clients_.back(), "/probe/" + std::to_string(i));
}

void Flow::respond_to_probe(FlowClient& client, const std::string& target) {
  const Stream stream = client.begin({.target = target, .authority = "probe.test"});
  const std::string line = "GET " + target + " HTTP/1.1";
  App* chosen = nullptr;
  until([&] {
    if (auto connection = back_.app->accept()) apps_.emplace_back(*std::move(connection));
    for (App& app : apps_) {
      if (app.open() && app.has_line(line)) chosen = &app;
    }
    return chosen != nullptr || client.response(stream).end != End::kNone;
  });
  if (chosen != nullptr) {
    chosen->forget();
    chosen->say(ok(target));
  }
  until([&] { return client.response(stream).end != End::kNone; });
  EXPECT_EQ(client.response(stream).status, 200);
  EXPECT_EQ(client.response(stream).body, target);
  record(target);
}

}  // namespace gatehouse::flow
