#include "tests/flow/flow_client.h"

#include "tests/flow/h1_flow_client.h"
#include "tests/flow/h2_flow_client.h"
#include "tests/flow/h3_flow_client.h"

namespace gatehouse::flow {

std::string find(const Fields& fields, std::string_view name) {
  std::string all;
  bool found = false;
  for (const auto& [key, value] : fields) {
    if (key != name) continue;
    if (found) all += ", ";
    all += value;
    found = true;
  }
  return all;
}

std::unique_ptr<FlowClient> FlowClient::make(Protocol protocol, Front& front, std::function<void()> turn) {
  switch (protocol) {
    case Protocol::kH2:
      return std::make_unique<H2FlowClient>(front);
    case Protocol::kH3:
      return std::make_unique<H3FlowClient>(front, std::move(turn));
    default:
      return std::make_unique<H1FlowClient>(front);
  }
}

}  // namespace gatehouse::flow
