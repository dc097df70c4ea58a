// H3Session: which of several responses goes first (RFC 9218). nghttp3 chooses by what it is told here:
//
//   field of the request < PRIORITY_UPDATE, be it earlier or later < field of the response, each of its parameters
#include <string_view>
#include <vector>

#include "proxy/frontend/h3/h3_session.h"
#include "proxy/frontend/h3/h3_stream.h"

namespace gatehouse {

void H3Session::prioritise(std::int64_t stream, std::string_view value) {
  nghttp3_pri priority{.urgency = NGHTTP3_DEFAULT_URGENCY, .inc = 0};
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(value.data());
  if (nghttp3_pri_parse_priority(&priority, bytes, value.size()) != 0) return;
  nghttp3_conn_set_server_stream_priority(conn_.get(), stream, &priority);
}

void H3Session::overrule_priority(std::int64_t stream, const FieldList& response) {
  nghttp3_pri priority;
  if (nghttp3_conn_get_stream_priority(conn_.get(), &priority, stream) != 0) return;
  for (const Field field : response) {
    if (field.id != FieldName::kPriority) continue;
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(field.value.data());
    static_cast<void>(nghttp3_pri_parse_priority(&priority, bytes, field.value.size()));
  }
  nghttp3_conn_set_server_stream_priority(conn_.get(), stream, &priority);
}

// RFC 9218 section 7.2: for any stream that the client may open, and before that too.
H3Session::Outcome H3Session::reprioritise(std::int64_t stream, std::string_view value) {
  constexpr std::int64_t kStep = 4;
  Allowance& allowance = life_.allowance;
  if (stream % kStep != 0 || static_cast<std::uint64_t>(stream / kStep) >= allowance.streams) {
    return std::unexpected(NGHTTP3_H3_ID_ERROR);
  }
  if (H3Stream* const node = find(stream)) {
    node->keep_priority();
    prioritise(stream, value);
    node->overrule_priority();
    return {};
  }
  if (stream <= allowance.highest || life_.last_goaway_sent) return {};  // it has gone, or will be refused
  if (auto known = announce(stream); !known) return known;
  std::erase(allowance.early, stream);
  allowance.early.push_back(stream);
  prioritise(stream, value);
  return {};
}

void H3Stream::overrule_priority() {
  if (!exchange_ || !exchange_->response()) return;
  const FieldList& fields = exchange_->response()->fields;
  if (fields.may_have(FieldName::kPriority)) session_.overrule_priority(id_, fields);
}

// A stream that goes first would be overtaken each time when its pipe is empty, were the others asked before its
// endpoint.
void H3Session::let_endpoints_go_on() {
  if (streams_.size() < 2) return;
  life_.refilling = true;
  wakeups_.refilled.wake();
}

void H3Session::on_refilled() {
  life_.refilling = false;
  transport_.wake_flush();
}

}  // namespace gatehouse
