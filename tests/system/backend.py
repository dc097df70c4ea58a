#!/usr/bin/env python3
"""A backend for the system tests: HTTP/1.1 on loopback (or a Unix socket), one behaviour for each path.

  /echo          what it has seen of the request, as JSON (the body as size and SHA-256)
  /bytes/N       N bytes of a known sequence with Content-Length; ?chunked=1 without
  /status/N      that status, with a short body where it may have one
  /slow/MS       answers after MS milliseconds
  /trailers      a chunked answer with a trailer Grpc-Status: 0
  /cut/N         announces 2N bytes, sends N, closes
  /cut-chunked/N N bytes in chunks, no last chunk, closes
  /delegate/NAME hands the request to the upstream NAME, if it may; else it is an answer like others
  /early         answers 413 without reading the body, and closes
  /drop          closes without an answer
  /hints         103 Early Hints, then 200
  /altsvc        an answer with hop-by-hop fields and an Alt-Svc of its own
  /count         how many requests this process has begun
"""

import argparse
import hashlib
import itertools
import json
import socket
import socketserver
import http.server
import threading
import time
from urllib.parse import parse_qs, urlsplit

BLOCK = bytes(range(251)) * 261  # a prime period, so that shifted data is noticed
counter = itertools.count(1)
last_count = 0


def sequence(size):
    """The bytes of /bytes/N in pieces."""
    while size > 0:
        yield BLOCK[:size]
        size -= len(BLOCK)


def sequence_digest(size):
    digest = hashlib.sha256()
    for piece in sequence(size):
        digest.update(piece)
    return digest.hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    disable_nagle_algorithm = True
    wbufsize = 0

    def setup(self):
        if self.request.family == socket.AF_UNIX:
            self.disable_nagle_algorithm = False
            self.client_address = ("unix", 0)
        super().setup()

    def pieces(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while left := int(self.rfile.readline().split(b";")[0], 16):
                yield from self.exactly(left)
                self.rfile.readline()
            self.trailers = []
            while line := self.rfile.readline().strip():
                self.trailers.append(line.decode("latin-1").split(": ", 1))
        else:
            yield from self.exactly(int(self.headers.get("Content-Length", 0)))

    def exactly(self, left):
        while left:
            piece = self.rfile.read(min(left, 262144))
            if not piece:
                raise ConnectionError("the body ended early")
            left -= len(piece)
            yield piece

    def read_body(self):
        self.trailers = []
        digest, size = hashlib.sha256(), 0
        for piece in self.pieces():
            digest.update(piece)
            size += len(piece)
        return size, digest.hexdigest()

    def do(self):
        global last_count
        last_count = next(counter)
        url = urlsplit(self.path)
        first, *rest = url.path.strip("/").split("/")
        behaviour = getattr(self, "on_" + first.replace("-", "_"), self.on_echo)
        try:
            behaviour(rest[-1] if rest else "", parse_qs(url.query))
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do

    def reply(self, status, payload=b"", fields=(), kind="application/json"):
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(payload)

    def on_echo(self, *_):
        size, digest = self.read_body()
        seen = {"protocol": self.request_version, "method": self.command, "target": self.path,
                "headers": self.headers.items(), "bytes": size, "sha256": digest, "trailers": self.trailers}
        self.reply(200, json.dumps(seen).encode())

    def on_bytes(self, size, query):
        self.read_body()
        size = int(size)
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        chunked = "chunked" in query
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(size))))
        self.end_headers()
        if self.command == "HEAD":
            return
        for piece in sequence(size):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def on_status(self, status, _):
        self.read_body()
        self.reply(int(status), b"status " + status.encode() + b"\n", kind="text/plain")

    def on_slow(self, milliseconds, _):
        self.read_body()
        time.sleep(int(milliseconds) / 1000)
        self.reply(200, b"slow\n", kind="text/plain")

    def on_trailers(self, *_):
        self.read_body()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
                         b"Trailer: Grpc-Status\r\n\r\n5\r\nhello\r\n0\r\nGrpc-Status: 0\r\nContent-Length: 7\r\n\r\n")

    def on_cut(self, size, _):
        self.read_body()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * int(size)))
        for piece in sequence(int(size)):
            self.wfile.write(piece)
        self.close_connection = True

    def on_cut_chunked(self, size, _):
        self.read_body()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in sequence(int(size)):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.close_connection = True

    def on_delegate(self, name, _):
        if "Expect" not in self.headers:  # who expects something still has its body
            self.read_body()
        self.reply(200, b"mine", [("X-Delegate-To", name)])

    def handle_expect_100(self):
        return self.path.startswith("/delegate/") or super().handle_expect_100()

    def on_early(self, *_):
        self.reply(413, b"too much\n", [("Connection", "close")], "text/plain")
        self.close_connection = True

    def on_drop(self, *_):
        self.read_body()
        self.close_connection = True

    def on_hints(self, *_):
        self.read_body()
        self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        self.reply(200, b"hinted\n", kind="text/plain")

    def on_altsvc(self, *_):
        self.read_body()
        self.reply(200, b"ok\n", [("Alt-Svc", 'h3=":1"'), ("Keep-Alive", "timeout=50"), ("Proxy-Authenticate", "Basic"),
                                  ("Connection", "X-Nominated, keep-alive"), ("X-Nominated", "1"), ("X-Kept", "1")],
                   "text/plain")

    def on_count(self, *_):
        self.read_body()
        self.reply(200, str(last_count).encode(), kind="text/plain")

    def log_message(self, *_):
        pass


class TcpServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    allow_reuse_address = True

    def handle_error(self, *_):
        """A client that goes away is part of the tests."""


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--unix")
    arguments = parser.parse_args()
    threading.stack_size(256 * 1024)
    server = UnixServer(arguments.unix, Handler) if arguments.unix else TcpServer(("127.0.0.1", arguments.port), Handler)
    print("listening", 0 if arguments.unix else server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
