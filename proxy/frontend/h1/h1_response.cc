#include "proxy/frontend/h1/h1_response.h"

#include <utility>

#include "proxy/http/h1/h1_writer.h"

namespace gatehouse {

H1Response::Outcome H1Response::advance(Exchange& exchange, Buffer& out, bool keep_alive) {
  const Protocol client = exchange.client().protocol;
  while (const auto interim = exchange.take_interim()) {
    // RFC 9110 section 15.2: none to HTTP/1.0.
    if (client == Protocol::kH10 || begun()) continue;
    if (!h1_writer::write_response_head(out, *interim, {.client = client})) return Outcome::kBroken;
  }
  if (!begun()) {
    if (!exchange.response()) return exchange.broken_off() ? Outcome::kBroken : Outcome::kOpen;
    if (!write_head(exchange, out, keep_alive)) return Outcome::kBroken;
  }
  take_body(exchange, out);
  if (exchange.broken_off()) return Outcome::kBroken;
  if (!exchange.response_body().at_end()) return Outcome::kOpen;
  if (framing_ == Framing::kChunked) h1_writer::write_last_chunk(out, exchange.response_body().trailers());
  return Outcome::kComplete;
}

bool H1Response::write_head(const Exchange& exchange, Buffer& out, bool keep_alive) {
  const ResponseHead& head = *exchange.response();
  const Protocol client = exchange.client().protocol;
  const RequestHead& request = exchange.request();
  const bool unknown_length = head.body.kind == BodyLength::Kind::kUnknown;
  if (head.opens_tunnel()) {
    framing_ = Framing::kTunnel;
  } else if (!may_have_body(request.method, head.status)) {
    framing_ = Framing::kNoBody;
  } else if (!unknown_length) {
    framing_ = Framing::kLength;
  } else {
    framing_ = client == Protocol::kH10 ? Framing::kUntilClose : Framing::kChunked;
  }
  keep_alive_ = keep_alive && !until_close();
  return h1_writer::write_response_head(
      out, head,
      {.client = client,
       .to_head_request = request.is_head(),
       .connection = keep_alive_ ? h1_writer::Connection::kKeepAlive : h1_writer::Connection::kClose,
       .upgrade = request.upgrade});
}

void H1Response::take_body(Exchange& exchange, Buffer& out) {
  BodyReader& body = exchange.response_body();
  while (body.available() > 0 && out.size() < kMark) {
    Buffer bytes = body.read(kMark - out.size());
    if (framing_ == Framing::kChunked) {
      h1_writer::write_chunk(out, std::move(bytes));
    } else {
      out.append(std::move(bytes));  // the pipe lets through what the head has promised and no more
    }
  }
}

}  // namespace gatehouse
