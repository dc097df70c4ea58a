// What speaks for and against telling clients of a listener's HTTP/3, and what follows from it: the rules of Alt-Svc
// without a socket or a timer. A value of AltSvcWatch; one thread.
//
//   unproven ----a round of probes passes--------------------------> advertised
//   any of them -kFailures probes in a row fail--------------------> withdrawn, until a round passes
//   advertised --clients fail and none succeeds--------------------> withdrawn, until one succeeds or kDoubt is over
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/result.h"
#include "proxy/http/alt_svc_state.h"

namespace gatehouse {

class AltSvcEvidence {
 public:
  using Standing = AltSvcState::Standing;
  // One may be lost, and a second one with a machine that is busy.
  static constexpr int kFailures = 3;
  static constexpr std::chrono::seconds kDoubt{60};

  // A round is so many probes, one of each way and worker. `before`: where a former self of the listener had it.
  AltSvcEvidence(std::size_t round, Standing before) : round_(round), known_(before != Standing::kUnproven) {}

  void probe_passed();
  // Of `error` the message stands in a sentence. For want of descriptors or memory a probe tells nothing.
  void probe_failed(const Error& error);
  void clients_fail(MonotonicTime now) { doubted_until_ = now + kDoubt; }
  void client_succeeded() { doubted_until_.reset(); }

  Standing standing(MonotonicTime now) const;
  // Why it is so, for a log line; empty if nothing is known yet.
  std::string reason(MonotonicTime now) const;
  // The round is through: the next probe can wait for its time.
  bool proven() const { return proven_; }

 private:
  bool doubted(MonotonicTime now) const { return doubted_until_ && now < *doubted_until_; }

  std::size_t round_;
  // Clients may have been told: that it does not work any more must be said.
  bool known_;
  bool proven_ = false;
  // In a row.
  std::size_t passes_ = 0;
  int failures_ = 0;
  // Of the last.
  std::string why_;
  std::optional<MonotonicTime> doubted_until_;
};

}  // namespace gatehouse
