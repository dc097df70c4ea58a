#include "proxy/runtime/alt_svc_evidence.h"

#include <cerrno>
#include <format>

#include "proxy/frontend/quic/handshake_tally.h"

namespace gatehouse {

namespace {

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

void AltSvcEvidence::probe_passed() {
  failures_ = 0;
  if (proven_ || ++passes_ < round_) return;
  proven_ = true;
  known_ = true;
}

void AltSvcEvidence::probe_failed(const Error& error) {
  if (is_shortage(error.code)) return;
  passes_ = 0;
  why_ = error.message;
  if (failures_ < kFailures) ++failures_;
  if (failures_ < kFailures) return;
  proven_ = false;
  // Nobody has been told yet by this process; by the one before it, perhaps.
  known_ = true;
}

AltSvcEvidence::Standing AltSvcEvidence::standing(MonotonicTime now) const {
  if (proven_ && !doubted(now)) return Standing::kAdvertised;
  return known_ ? Standing::kWithdrawn : Standing::kUnproven;
}

std::string AltSvcEvidence::reason(MonotonicTime now) const {
  if (proven_ && doubted(now)) {
    return std::format("the QUIC handshakes of at least {} networks have failed within {} s, and none has succeeded",
                       HandshakeTally::kCrowd, HandshakeTally::kWindow.count());
  }
  if (proven_) return "handshakes of our own with the QUIC port succeed";
  if (why_.empty()) return {};
  return std::format("handshakes of our own with the QUIC port fail: {}", why_);
}

}  // namespace gatehouse
