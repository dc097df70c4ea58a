// The scenario table: each row is one story of a client, the proxy and an app, played over every protocol that it is
// for. A theme is a file with one Table; its rows become the cases Scenarios/Flow.<name>/<protocol>.
#pragma once

#include <functional>
#include <initializer_list>
#include <source_location>
#include <span>

#include "tests/flow/flow.h"

namespace gatehouse::flow {

inline constexpr Protocol kEveryProtocol[] = {Protocol::kH1, Protocol::kH2, Protocol::kH3};
inline constexpr Protocol kMultiplexed[] = {Protocol::kH2, Protocol::kH3};
inline constexpr Protocol kOnlyH1[] = {Protocol::kH1};

struct Row {
  using Play = std::function<void(Flow&)>;
  Row(const char* a_name, Play a_play, std::span<const Protocol> over = kEveryProtocol,
      std::source_location here = std::source_location::current())
      : name(a_name), play(std::move(a_play)), protocols(over), where(here) {}

  const char* name;  // a sentence
  Play play;
  std::span<const Protocol> protocols;
  std::source_location where;
};

// Makes its rows known to GoogleTest, before main.
class Table {
 public:
  Table(std::initializer_list<Row> rows);
};

}  // namespace gatehouse::flow
