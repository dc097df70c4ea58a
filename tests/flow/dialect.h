// Where the three protocols differ by design in what a client sees: the table of proxy/ARCHITECTURE.md as a function,
// for every scenario to ask instead of deciding for itself. Pure.
#pragma once

#include <optional>

#include "proxy/http/fault.h"
#include "proxy/http/protocol.h"
#include "tests/flow/flow_client.h"

namespace gatehouse::flow {

enum class Stage { kBeforeHead, kAfterHead };

struct Ending {
  End end = End::kNone;
  bool responded = false;  // with an answer of ours that has the fault's status
  bool connection_stays = true;
  std::optional<std::uint64_t> code;  // of the reset
};

inline Ending ending_of(Fault fault, Stage stage, Protocol protocol) {
  const FaultRule& row = rule(fault);
  const bool h1 = protocol == Protocol::kH1;
  const bool responded = stage == Stage::kBeforeHead && row.status != 0 && (h1 || !row.resets_stream);
  Ending ending{.end = responded ? End::kClean : End::kBroken, .responded = responded, .code = std::nullopt};
  // h1 has nothing but the connection to break; where it is fit for more after an answer, the fault says.
  ending.connection_stays = !h1 || (responded && !row.closes_connection);
  if (!h1 && !responded) ending.code = protocol == Protocol::kH2 ? row.codes.h2 : row.codes.h3;
  return ending;
}

// Only where a client could not know it yet.
constexpr bool says_alt_svc(Protocol protocol) {
  return protocol != Protocol::kH3;
}

// Several requests at once on one connection.
constexpr bool multiplexes(Protocol protocol) {
  return protocol != Protocol::kH1;
}

}  // namespace gatehouse::flow
