// Both halves of an exchange do what they like, one operation a byte, and it is destroyed wherever the input ends.
// Whatever the order, also that of timers that are due together: it is reported once, a broken answer is never a clean
// end, nothing is used after it has gone, and no more is held than its pipes may hold and its responder has written.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/event_loop.h"
#include "common/timer_heap.h"
#include "proxy/http/exchange/exchange.h"
#include "tests/support/disorder.h"
#include "tests/support/session_play.h"

namespace gatehouse {
namespace {

using fuzz::require;

// Each of the pieces that are written here, of 3000 bytes or more, has a slab of its own: 22 of them fill a pipe.
constexpr std::size_t kMostAtRest = 64UL * 1024 + 23 * Buffer::kSlabSize;
constexpr std::size_t kMostWakes = 8;  // of the client half by one act

class Play final : ExchangeObserver {
 public:
  explicit Play(std::uint8_t kind) : chance_{.disorder = TimerDisorder(kind), .random = testing_support::Random(kind)} {
    policy_->exchange.max_request_body = (kind & 1) != 0 ? 50'000 : kUnlimited;
    policy_->alt_svc = (kind & 2) != 0 ? "h3=\":443\"" : "";
    RequestHead head{.protocol = static_cast<Protocol>(kind >> 2 & 3),
                     .method = (kind & 16) != 0 ? "HEAD" : "POST",
                     .authority = "a",
                     .target = "/"};
    head.body = (kind & 32) != 0 ? BodyLength::known(60'000) : BodyLength::unknown();
    head.expects_continue = (kind & 64) != 0;
    const ClientInfo client{.protocol = head.protocol, .listener = policy_};
    exchange_ = (kind & 128) != 0
                    ? std::make_unique<Exchange>(context_, client, std::move(head), waker_, Fault::kUnsafeTarget)
                    : std::make_unique<Exchange>(context_, client, std::move(head), waker_);
  }
  ~Play() {
    const bool clean = exchange_->responded();
    exchange_.reset();
    require(reported_.begun == 1 && reported_.ended == 1, "not reported exactly once");
    require(
        clean != reported_.fault.has_value() || (reported_.fault && reported_.status == rule(*reported_.fault).status),
        "a clean end with a fault, or a bad one without");
  }
  Play(const Play&) = delete;
  Play& operator=(const Play&) = delete;

  void act(std::uint8_t byte) {
    const std::uint8_t operation = byte >> 4;
    const std::size_t amount = static_cast<std::size_t>(byte & 15) * 3000;
    const std::size_t wakes = wakes_;
    if (operation < 6) {
      act_as_client(operation, amount);
    } else if (operation < 14) {
      if (answering_.responder != nullptr && !answering_.quiet) act_as_responder(operation, amount);
    } else if (byte == 0xfe) {
      testing_support::stall(loop_, clock_, chance_.random);
    } else {
      clock_.advance(std::chrono::seconds(operation == 14 ? 0 : amount / 1000));
      loop_.turn(EventLoop::Wait::kNever);
    }
    require(wakes_ <= wakes + kMostWakes, "the client half is woken for nothing");
    check();
  }

 private:
  class Player final : public Responder {
   public:
    explicit Player(Play& play) : play_(play) { play_.answering_.responder = this; }
    ~Player() override { play_.answering_.responder = nullptr; }
    void start() override {}

   private:
    Play& play_;
  };

  void on_begin(const Exchange&) override { ++reported_.begun; }
  void on_end(const Exchange& exchange) override {
    ++reported_.ended;
    reported_.status = exchange.record().status;
    reported_.fault = exchange.record().fault;
    require(reported_.status != 0, "no status");
    require(answering_.responder == nullptr, "the responder outlives its exchange");
  }

  void act_as_client(std::uint8_t operation, std::size_t amount) {
    BodyWriter& body = exchange_->request_body();
    switch (operation) {
      case 0:
        if (!body.ended()) body.write(Buffer(std::string(std::min(amount, body.room() + 1), 'r')));
        break;
      case 1:
        if (!body.ended()) body.finish();
        break;
      case 2:
        exchange_->fail_request(Fault::kRequestBodyInvalid);
        break;
      case 3:
        if (exchange_->response()) static_cast<void>(exchange_->response_body().read(amount));
        break;
      case 4:
        credit_ += body.take_credit();
        break;
      default:
        static_cast<void>(exchange_->take_interim());
        break;
    }
  }

  void act_as_responder(std::uint8_t operation, std::size_t amount) {
    BodyWriter& response = exchange_->response_pipe().writer();
    const bool may_write = exchange_->response() && !response.ended();
    switch (operation) {
      case 6:
        exchange_->respond_interim({.status = static_cast<std::uint16_t>((amount & 1) != 0 ? 100 : 103)});
        break;
      case 7:
        if (!exchange_->response()) exchange_->respond({.status = 200, .body = BodyLength::unknown()});
        break;
      case 8:
        if (!exchange_->response()) exchange_->respond({.status = 404}, "nothing here");
        break;
      case 9:
        if (may_write) response.write(Buffer(std::string(amount, 'a')));
        if (may_write) answering_.written += (amount / Buffer::kSlabSize + 1) * Buffer::kSlabSize;
        break;
      case 10:
        if (may_write) response.finish();
        break;
      case 11:
        answering_.quiet = true;  // having failed, a responder has nothing more to say
        exchange_->fail(amount == 0 ? Fault::kClientGone : Fault::kUpstreamReset);
        break;
      case 12:
        static_cast<void>(exchange_->request_pipe().reader().read(amount));
        break;
      default:
        answering_.quiet = !exchange_->apply_limits({.max_request_body = amount * 2}) || answering_.quiet;
        break;
    }
  }

  void check() {
    const BodyReader& response = exchange_->response_body();
    require(!exchange_->broken_off() || (!exchange_->responded() && (response.failed() || exchange_->client_stalled())),
            "broken off and yet whole");
    require(!response.finished() || exchange_->response(), "a body without a head");
    require(credit_ <= exchange_->bytes_in(), "more window given back than was taken");
    require(exchange_->request_pipe().reader().total() <= exchange_->bytes_in(), "more was read than written");
    require(fuzz::held_memory() <= held_before_ + kMostAtRest + answering_.written, "more is held than was written");
  }

  struct Chance {
    TimerDisorder disorder;
    testing_support::Random random;
  };
  struct Reported {
    int begun = 0;
    int ended = 0;
    std::uint16_t status = 0;
    std::optional<Fault> fault;
  };
  struct Answering {
    Responder* responder = nullptr;
    bool quiet = false;
    std::size_t written = 0;  // in slabs
  };

  Chance chance_;
  const std::size_t held_before_ = fuzz::held_memory();
  std::size_t wakes_ = 0;
  ManualClock clock_;
  EventLoop loop_{clock_};
  Waker waker_{loop_, [this] { ++wakes_; }};
  std::shared_ptr<ListenerPolicy> policy_ = std::make_shared<ListenerPolicy>();
  ExchangeContext context_{.loop = loop_, .observer = *this, .make_responder = [this](Exchange&) {
                             return std::make_unique<Player>(*this);
                           }};
  std::uint64_t credit_ = 0;
  Reported reported_;
  Answering answering_;
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace
}  // namespace gatehouse

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 2000) return 0;
  gatehouse::Play play(data[0]);
  for (const std::uint8_t byte : std::span(data, size).subspan(1)) play.act(byte);
  return 0;
}
