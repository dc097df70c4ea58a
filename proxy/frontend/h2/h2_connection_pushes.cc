// What of H2Connection and H2Stream is about server push (RFC 9113 section 8.4): requests that we make for the client,
// which become exchanges as its own do.
//
//   H2Stream::send_head: exchange.proposed() -- push() --> PUSH_PROMISE, and an H2Stream with its exchange --> HEADERS, DATA
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/frontend/h2/h2_connection.h"
#include "proxy/http/field_rules.h"

namespace gatehouse {

namespace {

// Below the default of what the client asks for itself.
constexpr nghttp2_extpri kPushed{.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY + 1, .inc = 0};

// The client would send them with its own request, and gets what it would get then.
constexpr auto kInherited =
    std::to_array<std::string_view>({"accept-encoding", "accept-language", "authorization", "cookie", "user-agent"});

RawRequest promised_request(const RequestHead& parent, const std::string& target) {
  RawRequest raw{.protocol = Protocol::kH2, .secure = parent.secure, .method = "GET", .target = target};
  raw.scheme = parent.secure ? "https" : "http";
  raw.authority = parent.authority;
  raw.has_authority = true;
  raw.end_of_message = true;
  for (const std::string_view name : kInherited) {
    if (const auto value = parent.fields.find(name)) raw.fields.add(name, *value);
  }
  return raw;
}

nghttp2_nv pair_of(std::string_view name, std::string_view value) {
  // nghttp2 takes pointers to non-const and does not write through them; it copies.
  const auto pointer = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {.name = pointer(name),
          .value = pointer(value),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = NGHTTP2_NV_FLAG_NONE};
}

std::vector<nghttp2_nv> promise_of(const RequestHead& head) {
  std::vector<nghttp2_nv> pairs = {pair_of(":method", head.method), pair_of(":scheme", head.secure ? "https" : "http"),
                                   pair_of(":authority", head.authority), pair_of(":path", head.target)};
  for (const Field field : head.fields) pairs.push_back(pair_of(field.name, field.value));
  return pairs;
}

}  // namespace

void H2Connection::push(const H2Stream& parent, const Exchange& exchange) {
  if (parent.pushed() || state_.draining || state_.terminating) return;
  if (nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_ENABLE_PUSH) == 0) return;
  const std::uint32_t most = std::min(
      state_.max_streams, nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
  for (const std::string& target : exchange.proposed()) {
    if (streams_.pushes.open() >= most) return;
    promise(parent, exchange.request(), target);
  }
}

void H2Connection::promise(const H2Stream& parent, const RequestHead& request, const std::string& target) {
  RawRequest raw = promised_request(request, target);
  auto head = field_rules::check_request(
      raw, context_.policy->head, misdirection(transport_.contexts.get(), transport_.tls.get(), context_.tls.get()));
  if (!head || !streams_.pushes.note(head->authority + head->target)) return;
  const auto id = static_cast<std::int32_t>(nghttp2_session_get_next_stream_id(session_.get()));
  H2Stream& stream = streams_.open.emplace_front(*this, id);
  stream.set_position(streams_.open.begin());
  const std::vector<nghttp2_nv> pairs = promise_of(*head);
  if (nghttp2_submit_push_promise(session_.get(), NGHTTP2_FLAG_NONE, parent.id(), pairs.data(), pairs.size(),
                                  &stream) != id) {
    streams_.open.pop_front();
    return;
  }
  streams_.pushes.opened();
  stream.begin_promised(*std::move(head));
}

void H2Connection::on_not_promised(std::int32_t id) {
  const auto stream = std::ranges::find(streams_.open, id, &H2Stream::id);
  if (stream != streams_.open.end()) end_stream(*stream);
}

void H2Stream::begin_promised(RequestHead head) {
  const ListenerContext& context = connection_.context();
  state_.decoding = Decoding::kBody;
  state_.request_ended = true;
  state_.priority = kPushed;
  exchange_.emplace(context.exchanges, client_info(context, connection_.transport(), Protocol::kH2), std::move(head),
                    waker_);
  follow_client();
  exchange_->request_body().finish();
}

void H2Stream::on_promised() {
  if (state_.head_sent && exchange_) settle_priority();
}

}  // namespace gatehouse
