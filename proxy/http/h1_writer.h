// Writes HTTP/1.1 heads, chunks and trailers. The only place where bytes of ours become HTTP/1.1, towards clients and
// endpoints: it makes the framing itself, leaves out whatever field would contradict it, and refuses what could be read
// as something else (a line break in a value, a space in a target), wherever that came from. Pure, any thread.
#pragma once

#include <string_view>

#include "common/buffer.h"
#include "proxy/http/message.h"

namespace gatehouse::h1_writer {

enum class Connection { kKeepAlive, kClose };

// "METHOD target HTTP/1.1", Host, fields, framing by head.body (Content-Length, or chunked for kUnknown; nothing for
// kNone, but a zero length where the method makes one expect a body), "TE: trailers" with "Connection: TE" where
// head.accepts_trailers. False, and nothing written, if any part has a byte that would break the framing.
[[nodiscard]] bool write_request_head(Buffer& out, const RequestHead& head);

struct ResponseOptions {
  Protocol client = Protocol::kH1;  // kH10: no chunks, an explicit keep-alive
  bool to_head_request = false;
  Connection connection = Connection::kKeepAlive;
};
// Framing by head.body. kUnknown to an HTTP/1.0 client is delimited by close (pass kClose). False as above.
[[nodiscard]] bool write_response_head(Buffer& out, const ResponseHead& head, const ResponseOptions& options);

void write_chunk(Buffer& out, Buffer&& body);                   // nothing for an empty body
void write_last_chunk(Buffer& out, const FieldList& trailers);  // unsafe trailers are left out

}  // namespace gatehouse::h1_writer
