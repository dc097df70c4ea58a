// What scenarios of X-Delegate-To share: who may, the answer that hands over, and where the request has been by then.
// Values and pure functions.
#pragma once

#include <format>
#include <string>
#include <string_view>

#include "tests/flow/flow.h"

namespace gatehouse::flow {

inline void may_delegate(Flow& f) {
  f.options.delegate_to = {{"shop", {"orders"}}};
}

// An answer that hands over.
inline std::string to(std::string_view name, std::string_view fields = "", std::string_view body = "") {
  return ok(body, std::format("X-Delegate-To: {}\r\n{}", name, fields));
}

// The app answers so, and somebody else gets the request.
inline App& handed_over(Flow& f, App& app, std::string_view response, const std::string& upstream = "orders") {
  app.say(response);
  return f.accept_request_at(upstream);
}

inline void expect_way(Flow& f, Stream s, std::string_view upstream, std::string_view delegations) {
  EXPECT_TRUE(f.until([&] { return f.over(s); }));
  const Record record = f.only_record();
  EXPECT_EQ(record.upstream, upstream);
  EXPECT_EQ(record.delegations, delegations);
  EXPECT_EQ(record.fault, std::nullopt) << rule(record.fault.value_or(Fault::kInternalError)).label;
}

}  // namespace gatehouse::flow
