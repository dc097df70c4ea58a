// An endpoint that answers with anything, on a real Unix socket, to the whole upstream half: forwarder, pool,
// connection. The first byte says in how large pieces its bytes come, the next two are the seed of what else happens:
// it ends its half, closes, resets or makes the next wait; clients stop reading or leave; more requests come, on kept
// connections too; time passes, or jumps over every deadline with due timers in any order. Every exchange ends once, no
// permit or connection stays taken, and what is held is bounded by what is under way.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/timer_heap.h"
#include "tests/support/disorder.h"
#include "tests/support/session_play.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace testing_support;
using fuzz::held_memory;
using fuzz::require;

constexpr std::size_t kMostAtRest = 256UL * 1024;
constexpr std::size_t kMostOfExchange = 192UL * 1024;
constexpr std::size_t kMostRequests = 6;
constexpr std::uint64_t kMostAttempts = 10;  // of one request

class Play {
 public:
  explicit Play(const fuzz::SessionInput& input)
      : input_(input), random_(input.seed), before_(held_memory()), disorder_(input.seed) {
    world_.emplace();
    endpoint_.emplace(Address::parse("unix:" + (folder().path() / "endpoint").string()).value(), 4);
    upstream_ =
        upstream_with(set_with({{.endpoint = endpoint_at(endpoint_->address(), (input.seed & 1) != 0 ? 4711 : 0)}}),
                      {.max_requests = input.seed % 4U,
                       .tolerance = (input.seed & 8) != 0 ? Tolerance::kLenient : Tolerance::kStrict});
    routes_ = routes_to(upstream_);
  }

  void run() {
    ask();
    turns(2);
    while (!input_.bytes.empty()) {
      step();
      check_memory();
    }
    end();
  }

 private:
  static const TemporaryFolder& folder() {
    static const TemporaryFolder kFolder;
    return kFolder;
  }

  void turns(std::size_t count) {
    for (; count > 0; --count) world_->loop.turn(EventLoop::Wait::kNever);
  }

  void ask() {
    if (exchanges_.size() >= kMostRequests) exchanges_.pop_front();
    const bool upload = up_to(random_, 3) == 0;
    TestExchange& exchange = exchanges_.emplace_back(
        *world_, routes_,
        request_head(upload ? "POST" : "GET", "/", upload ? BodyLength::known(100) : BodyLength::none()));
    if (upload) exchange->request_body().write(Buffer("the beginning of what it has to say"));
    ++asked_;
  }

  // The next piece for the latest connection, or an event.
  void step() {
    while (auto connection = endpoint_->accept()) connections_.push_back(*std::move(connection));
    const std::size_t size = std::min(input_.piece == 0 ? input_.bytes.size() : input_.piece, input_.bytes.size());
    if (!connections_.empty() && connections_.back().fd() >= 0) {
      connections_.back().send_what_fits(input_.bytes.substr(0, size));
    }
    input_.bytes.remove_prefix(size);
    turns(2);
    if (input_.seed != 0) happen();
  }

  void happen() {
    switch (up_to(random_, 15)) {
      case 0:
        return leave([](ScriptedConnection& connection) { connection.close(); });
      case 1:
        return leave([](ScriptedConnection& connection) { connection.reset(); });
      case 2:
        if (!connections_.empty() && connections_.back().fd() >= 0) connections_.back().finish_sending();
        return turns(2);
      case 3:
        return stall(world_->loop, world_->clock, random_);
      case 4:
        return world_->advance(std::chrono::milliseconds(up_to(random_, 2000)));
      case 5:
        exchanges_.back().reading = !exchanges_.back().reading;
        return;
      case 6:
        exchanges_.pop_back();
        return ask();
      case 7:
        return world_->pools.close_idle();
      case 8:
      case 9:
      case 10:
        ask();
        return turns(2);
      default:
        return;
    }
  }

  template <class Act>
  void leave(Act act) {
    if (connections_.empty()) return;
    if (connections_.back().fd() >= 0) act(connections_.back());
    connections_.pop_back();
    turns(2);
  }

  void check_memory() const {
    require(held_memory() <= before_ + kMostAtRest + (exchanges_.size() + connections_.size()) * kMostOfExchange,
            "more memory than is under way");
  }

  void end() {
    for (int i = 0; i < 4; ++i) stall(world_->loop, world_->clock, random_);
    require(upstream_->waiting() == 0, "somebody waits for ever");
    exchanges_.clear();
    world_->settle();
    require(world_->observer.begun == static_cast<int>(asked_) && world_->observer.ended == world_->observer.begun,
            "an exchange was not reported once");
    for (const auto& [name, counters] : world_->endpoint_counters) {
      require(counters.connections_active.value() == 0 && counters.connections_idle.value() == 0,
              "a connection stays taken");
      const std::uint64_t attempts = counters.connects_ok.value() + counters.connects_refused.value();
      require(attempts <= asked_ * kMostAttempts, "more attempts than requests are worth");
    }
    for (const auto& endpoint : endpoints_of(*upstream_)) require(endpoint->in_flight() == 0, "a place stays taken");
  }

  fuzz::SessionInput input_;
  Random random_;
  const std::size_t before_;
  TimerDisorder disorder_;
  std::optional<UpstreamWorld> world_;
  std::optional<ScriptedEndpoint> endpoint_;
  std::shared_ptr<Upstream> upstream_;
  std::shared_ptr<const RouteTable> routes_;
  std::deque<ScriptedConnection> connections_;
  std::deque<TestExchange> exchanges_;
  std::size_t asked_ = 0;
};

}  // namespace
}  // namespace gatehouse

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gatehouse::fuzz::SessionInput input;
  if (gatehouse::fuzz::read_session_input(data, size, input)) gatehouse::Play(input).run();
  return 0;
}
