"""A gRPC server over HTTP/1.1, as few are, and a gRPC-Web server: one handler in two framings. Prints "port N"; what has become of
calls is asked for by GET /seen.

Methods of /test.Echo/: Unary (the same message), Split (each byte of it, one at a time), Join (all messages as one), Bidi (each as it
comes), Hold (a head, then nothing until the client is gone), Silent (not even a head), Fail (status 5, Trailers-Only).
"""

import http.server
import json
import os
import struct
import sys

WEB = "--web" in sys.argv
TYPE = "application/grpc-web" if WEB else "application/grpc"
seen = {"cut": [], "timeouts": [], "heads": []}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 0

    def log_message(self, *_):
        pass

    def do_GET(self):
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        seen["heads"].append({name.lower(): value for name, value in self.headers.items()})
        if "grpc-timeout" in self.headers:
            seen["timeouts"].append(self.headers["grpc-timeout"])
        if not self.headers["Content-Type"].startswith(TYPE):
            self.send_error(415)
            return
        self.method = self.path.rpartition("/")[2]
        getattr(self, self.method.lower())()

    def body(self):
        """The request's bytes, as they come."""
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def requests(self):
        """Its messages, each as soon as it is complete."""
        held = b""
        for piece in self.body():
            held += piece
            while len(held) >= 5 and len(held) >= 5 + (size := struct.unpack(">I", held[1:5])[0]):
                yield held[5:5 + size]
                held = held[5 + size:]

    def begin(self):
        self.send_response(200)
        self.send_header("Content-Type", TYPE)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Trailer", "grpc-status")
        self.end_headers()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def reply(self, message):
        self.chunk(struct.pack(">BI", 0, len(message)) + message)

    def end(self, status=0, message="", more=()):
        fields = {"grpc-status": str(status), "grpc-message": message, **dict(more)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()
        if WEB:
            self.chunk(struct.pack(">BI", 0x80, len(lines)) + lines)
            lines = b""
        self.wfile.write(b"0\r\n" + lines + b"\r\n")

    def unary(self):
        message = b"".join(self.requests())
        self.begin()
        self.reply(message)
        self.end(more={"x-size": str(len(message))})

    def split(self):
        message = b"".join(self.requests())
        self.begin()
        for byte in message:
            self.reply(bytes([byte]))
        self.end()

    def join(self):
        message = b"".join(self.requests())
        self.begin()
        self.reply(message)
        self.end()

    def bidi(self):
        self.begin()
        for message in self.requests():
            self.reply(message)
        self.end(message="all of it")

    def hold(self):
        self.begin()
        self.await_cut()

    def silent(self):
        self.await_cut()

    def await_cut(self):
        try:
            for _ in self.body():
                pass
            self.connection.recv(1)
        except (OSError, ValueError):
            pass
        seen["cut"].append(self.method)
        self.close_connection = True

    def fail(self):
        for _ in self.body():
            pass
        self.send_response(200)
        self.send_header("Content-Type", TYPE)
        self.send_header("grpc-status", "5")
        self.send_header("grpc-message", "no such thing: 100%25")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def broken(self):
        """An answer that ends without its status."""
        for _ in self.body():
            pass
        self.begin()
        self.reply(b"half of it")
        self.wfile.write(b"0\r\n\r\n")


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Handler)
    server.daemon_threads = True
    print("port", server.server_address[1], flush=True)
    server.serve_forever()
