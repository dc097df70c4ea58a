// H2Connection and H2Stream: which of several responses goes first (RFC 9218). nghttp2 chooses; fields of requests and
// frames it reads by itself, but not in our order:
//
//   field of the request < PRIORITY_UPDATE, be it earlier or later < field of the response, each of its parameters
#include <algorithm>
#include <cstdint>

#include "proxy/frontend/h2/h2_connection.h"

namespace gatehouse {

void H2Connection::on_priority_update(const nghttp2_ext_priority_update& update) {
  if (update.stream_id == 0) return cut(Abuse::kProtocolError, NGHTTP2_PROTOCOL_ERROR);
  nghttp2_extpri said{.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 0};
  if (nghttp2_extpri_parse_priority(&said, update.field_value, update.field_value_len) != 0) return;
  nghttp2_stream* const known = nghttp2_session_find_stream(session_.get(), update.stream_id);
  if (known == nullptr) return;  // it has gone
  if (nghttp2_stream_get_state(known) == NGHTTP2_STREAM_STATE_IDLE) {
    keep_early({.stream = update.stream_id, .priority = said});
  } else if (void* const stream = nghttp2_session_get_stream_user_data(session_.get(), update.stream_id)) {
    static_cast<H2Stream*>(stream)->on_priority(said);
  }
}

// nghttp2 does not know how many streams the client may open.
void H2Connection::keep_early(EarlyPriority said) {
  std::vector<EarlyPriority>& early = streams_.early;
  std::erase_if(early, [&](const EarlyPriority& each) { return each.stream == said.stream; });
  early.push_back(said);
  if (early.size() + opened_by_client() > state_.max_streams) cut(Abuse::kProtocolError, NGHTTP2_PROTOCOL_ERROR);
}

// Those below it cannot be opened any more.
void H2Connection::take_early(H2Stream& stream) {
  std::vector<EarlyPriority>& early = streams_.early;
  const auto said = std::ranges::find(early, stream.id(), &EarlyPriority::stream);
  if (said != early.end()) stream.on_priority(said->priority);
  std::erase_if(early, [&](const EarlyPriority& each) { return each.stream <= stream.id(); });
}

bool H2Connection::lets_endpoints_go_on(H2Stream& stream) {
  if (streams_.open.size() < 2 || !stream.drained()) return false;
  state_.refilling = true;
  return true;
}

void H2Stream::on_priority(const nghttp2_extpri& said) {
  state_.priority = said;
  if (state_.head_sent && exchange_) settle_priority();
}

void H2Stream::settle_priority() {
  nghttp2_extpri priority{.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 0};
  nghttp2_session_get_extpri_stream_priority(connection_.session(), &priority, id_);
  if (state_.priority) priority = *state_.priority;
  for (const Field field : exchange_->response()->fields) {
    if (field.id != FieldName::kPriority) continue;
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(field.value.data());
    static_cast<void>(nghttp2_extpri_parse_priority(&priority, bytes, field.value.size()));
  }
  nghttp2_session_change_extpri_stream_priority(connection_.session(), id_, &priority, 0);
}

bool H2Stream::drained() {
  return exchange_ && exchange_->response_body().available() == 0 && !exchange_->response_body().finished();
}

}  // namespace gatehouse
