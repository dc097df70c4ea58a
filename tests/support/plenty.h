// A responder of the tests that has more to say than a client can take at once, as an endpoint that keeps up: whenever
// there is room it fills the pipe, from a waker as connections to endpoints do.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "common/waker.h"
#include "proxy/http/exchange/exchange.h"
#include "tests/support/frontend_testing.h"

namespace gatehouse::testing_support {

class Plenty {
 public:
  // The world keeps it as long as the exchange has its responder.
  static void respond(FrontendWorld& world, Exchange& exchange, std::size_t bytes, ResponseHead head = {}) {
    auto plenty = std::make_shared<Plenty>(exchange, bytes);
    plenty->begin(std::move(head));
    world.kept[&exchange] = std::move(plenty);
  }

  Plenty(Exchange& exchange, std::size_t bytes)
      : exchange_(exchange), left_(bytes), room_(exchange.loop(), [this] { fill(); }) {
    exchange_.response_pipe().writer().set_waker(&room_);
  }
  ~Plenty() { exchange_.response_pipe().writer().set_waker(nullptr); }
  Plenty(const Plenty&) = delete;
  Plenty& operator=(const Plenty&) = delete;

 private:
  void begin(ResponseHead head) {
    head.body = BodyLength::unknown();
    exchange_.respond(std::move(head));
    room_.wake();
  }
  void fill() {
    BodyWriter& pipe = exchange_.response_pipe().writer();
    if (pipe.ended()) return;
    const std::size_t size = std::min(left_, pipe.room());
    if (size > 0) pipe.write(Buffer(std::string(size, 'x')));
    left_ -= size;
    if (left_ == 0) pipe.finish();
  }

  Exchange& exchange_;
  std::size_t left_;
  Waker room_;
};

}  // namespace gatehouse::testing_support
