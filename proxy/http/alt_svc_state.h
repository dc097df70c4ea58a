// Whether h1 and h2 clients of a listener are told of its HTTP/3 (Alt-Svc, RFC 7838). Shared by every policy of the
// listener for as long as it has its UDP sockets: AltSvcWatch sets it on the control thread, and workers read it with
// each answer, which is one relaxed load. The reason is the control thread's alone.
//
//   unproven --our own handshakes reach TLS--> advertised --they fail, clients' fail, it drains--> withdrawn
//      \---------they fail----------------------------------------------------------------------/    |
//                                             advertised <--works again-----------------------------/
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace gatehouse {

class AltSvcState {
 public:
  // kUnproven: answers say nothing. kWithdrawn: they say "clear", since clients remember what they were told for a day.
  enum class Standing : std::uint8_t { kUnproven, kAdvertised, kWithdrawn };
  // Of Alt-Svc, in an answer that takes back what earlier ones have said (RFC 7838 section 3).
  static constexpr std::string_view kClear = "clear";

  AltSvcState() = default;
  AltSvcState(const AltSvcState&) = delete;
  AltSvcState& operator=(const AltSvcState&) = delete;

  Standing standing() const { return standing_.load(std::memory_order_relaxed); }

  // The control thread only.
  void set(Standing standing, std::string reason) {
    reason_ = std::move(reason);
    standing_.store(standing, std::memory_order_relaxed);
  }
  // Why it is so; empty while nothing is known yet. The control thread only.
  const std::string& reason() const { return reason_; }

 private:
  std::atomic<Standing> standing_ = Standing::kUnproven;
  std::string reason_;
};

// Returns the label in the status: "unproven", "advertised", "withdrawn".
constexpr std::string_view label(AltSvcState::Standing standing) {
  constexpr std::string_view kLabels[] = {"unproven", "advertised", "withdrawn"};
  return kLabels[static_cast<std::size_t>(standing)];
}

}  // namespace gatehouse
