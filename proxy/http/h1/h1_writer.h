// Writes HTTP/1.1 heads, chunks and trailers, towards clients (H1Response) and endpoints (RequestSender, which frames
// its chunks itself and takes the rest from here). It makes the framing of heads itself, leaves out whatever field
// would contradict it, and refuses what could be read as something else (a line break in a value, a space in a
// target), wherever that came from. Pure, any thread.
#pragma once

#include <string_view>

#include "common/buffer.h"
#include "proxy/http/message.h"

namespace gatehouse::h1_writer {

enum class Connection { kKeepAlive, kClose };

// Writes "METHOD target HTTP/1.1", Host, the fields, the framing by head.body (Content-Length, or chunked for
// kUnknown; nothing for kNone, but a zero length where the method makes one expect a body, RFC 9110 section 8.6), and
// "TE: trailers" with "Connection: TE" where head.accepts_trailers. Connection-specific fields of `head` are left
// out. What `overlay` has goes out in place of the head's own, and whether 100 is expected it says alone. False, and nothing written, if any part has a byte that
// would break the framing.
[[nodiscard]] bool write_request_head(Buffer& out, const RequestHead& head, const RequestOverlay& overlay = {});

struct ResponseOptions {
  // kH10: no chunks, and an explicit keep-alive.
  Protocol client = Protocol::kH1;
  // The answer is to HEAD: its length is announced if it is known, and no body follows.
  bool to_head_request = false;
  // Interim heads, and those that open tunnels, do not say it.
  Connection connection = Connection::kKeepAlive;
  // What a head that opens a tunnel says the connection has become.
  std::string_view upgrade{};
};
// Writes the status line, the fields and the framing by head.body, but none for 1xx and 204 (RFC 9110 section 8.6,
// RFC 9112 section 6.1); behind the status the head's reason, or the registered one. A body of kUnknown to an HTTP/1.0 client is delimited by close: pass kClose. False, and
// nothing written, as above, and for a status outside of 100 to 999.
[[nodiscard]] bool write_response_head(Buffer& out, const ResponseHead& head, const ResponseOptions& options);

// Moves `body` out as one chunk; writes nothing for an empty one, which would end the message.
void write_chunk(Buffer& out, Buffer&& body);
// Ends a chunked body. Trailers that are not safe, or are about framing or the connection, are left out.
void write_last_chunk(Buffer& out, const FieldList& trailers);

}  // namespace gatehouse::h1_writer
