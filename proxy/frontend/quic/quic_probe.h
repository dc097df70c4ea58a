// One handshake of our own with a QUIC port of ours, as a client would begin it: the proof that packets arrive there,
// are answered, and come back. It has passed when TLS is reached, which the first CRYPTO bytes of the server show, or
// an alert of its TLS: that it would not let a client without a name or a certificate in says nothing against QUIC. So
// it ends there, with CONNECTION_CLOSE, and the server keeps nothing. A Retry is followed. Owned by whoever wants to
// know; one loop's thread.
//
//   Initial --> ServerHello, or CONNECTION_CLOSE with an alert --> passed   (CONNECTION_CLOSE)
//      |------> nothing for kPatience, whatever was sent again --> failed
//      \------> an error of the socket, any other close ---------> failed
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_ossl.h>

#include "common/address.h"
#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/result.h"
#include "common/timer.h"
#include "proxy/frontend/quic/quic_handles.h"
#include "proxy/frontend/quic/quic_id.h"

namespace gatehouse {

class EventLoop;

class QuicProbe {
 public:
  // Then the server has had four packets to answer.
  static constexpr std::chrono::milliseconds kPatience{1500};

  struct Target {
    Address address;
    // What the first packet is addressed to: with an id of a worker's it comes to that worker.
    QuicId id;
    // Of QuicGroup::probe_token(); empty: as any client.
    std::vector<std::uint8_t> token;
  };

  // `done` is called once, from the loop and never from here, with the reason if the probe has failed; it may destroy
  // the probe.
  QuicProbe(EventLoop& loop, const Target& target, std::move_only_function<void(Result<>)> done);
  // Says goodbye to the server if that may still have something of it.
  ~QuicProbe();
  QuicProbe(const QuicProbe&) = delete;
  QuicProbe& operator=(const QuicProbe&) = delete;

 private:
  struct Callbacks;
  // The libraries' halves, in reverse order of their destruction.
  struct Engine {
    ngtcp2_crypto_conn_ref reference{};
    QuicCryptoPtr crypto;
    QuicConnPtr conn;
  };
  // Both ends of the way, as the socket has them.
  struct Way {
    Address local;
    Address remote;
  };

  Result<> connect(const Target& target);
  Result<> set_up_tls();
  Result<> set_up_quic(const Target& target);
  ngtcp2_path path() const;
  ngtcp2_tstamp stamp() const;
  void receive();
  // Returns the outcome if this was the packet that settles it.
  std::optional<Result<>> read(std::span<const std::uint8_t> packet);
  void send();
  void on_timer();
  void arm_timer();
  void say_goodbye();
  // To be called last: the owner may drop the probe.
  void end(Result<> outcome);

  EventLoop& loop_;
  std::move_only_function<void(Result<>)> done_;
  Fd socket_;
  Way way_;
  Engine engine_;
  const MonotonicTime deadline_;
  // Why it could not even begin; told when the timer comes.
  std::optional<Error> stillborn_;
  bool reached_tls_ = false;
  Timer timer_;
  std::unique_ptr<IoWatcher> watcher_;
};

}  // namespace gatehouse
