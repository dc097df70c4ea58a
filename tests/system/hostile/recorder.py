"""An endpoint that records what Gatehouse sends to it and accepts nothing but the strictest HTTP/1.1.

Whatever two parsers could read differently, or that only a client may say, is a violation: a test that finds one has
failed, whatever the client saw. A request that breaks off before its end is no violation: that is how a bad body is
kept from looking complete.
"""

import contextlib
import re
import socket
import struct
import threading

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") (\*|/[!$-;=?-Z\[\]_a-z~%]*) HTTP/1\.1")
FIELD = re.compile(rb"(" + TOKEN + rb"): ?([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")
HOP_BY_HOP = {"keep-alive", "proxy-connection", "proxy-authorization", "upgrade", "http2-settings", "trailer"}
OURS_ALONE = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"}


class Violation(Exception):
    """What came is not what may be sent to an endpoint."""


class BrokeOff(Exception):
    """The connection ended within a request."""


class Request:
    def __init__(self, method, target, fields, body, trailers):
        self.method, self.target, self.fields, self.body, self.trailers = method, target, fields, body, trailers
        self.raw = b""  # its bytes, once it is complete

    def all(self, name):
        return [value for key, value in self.fields if key == name]

    def get(self, name, default=None):
        return next(iter(self.all(name)), default)


class Wire:
    """The connection of one client of ours: bytes in, strictly parsed, and scripted bytes out."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = b""
        self.taken = b""  # of the request that is being read

    def _more(self):
        try:
            data = self.connection.recv(65536)
        except OSError as error:
            raise BrokeOff from error
        if not data:
            raise BrokeOff
        self.buffer += data

    def line(self):
        while b"\n" not in self.buffer:
            self._more()
        line, _, self.buffer = self.buffer.partition(b"\n")
        self.taken += line + b"\n"
        if not line.endswith(b"\r") or b"\r" in line[:-1]:
            raise Violation(f"a line that does not end by CRLF alone: {line!r}")
        return line[:-1]

    def exactly(self, size):
        while len(self.buffer) < size:
            self._more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        self.taken += data
        return data

    def fields(self, strict=True):
        """Others leave blanks behind a value: Apache where it joins fields of one name and the last is empty."""
        found = []
        while line := self.line():
            match = FIELD.fullmatch(line if strict else line.rstrip(b" \t"))
            if not match:
                raise Violation(f"not a field: {line!r}")
            found.append((match[1].decode().lower(), (match[2] or b"").decode("latin-1")))
        return found

    def head(self, strict=True):
        self.taken = b""
        line = self.line()
        match = REQUEST_LINE.fullmatch(line)
        if not match:
            raise Violation(f"not a request line: {line!r}")
        request = Request(match[1].decode(), match[2].decode(), self.fields(strict), b"", [])
        if strict:
            check_head(request)
        return request

    def read_body(self, request):
        if request.get("transfer-encoding"):
            while size := self._chunk_size():
                request.body += self.exactly(size)
                if self.exactly(2) != b"\r\n":
                    raise Violation("a chunk that is longer than its size")
            request.trailers = self.fields()
            check_trailers(request.trailers)
        else:
            request.body = self.exactly(int(request.get("content-length", "0")))
        request.raw = self.taken
        return request

    def _chunk_size(self):
        line = self.line()
        if not CHUNK_SIZE.fullmatch(line):
            raise Violation(f"not a chunk size: {line!r}")
        return int(line, 16)

    def send(self, data):
        self.connection.sendall(data)

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise BrokeOff


def check_head(request):
    names = [name for name, _ in request.fields]
    if names.count("host") != 1 or not re.fullmatch(r"[A-Za-z0-9.\-]*(\[[0-9a-fA-F:.]+\])?(:\d{1,5})?", request.get("host")):
        raise Violation(f"Host: {request.all('host')}")
    if "content-length" in names and "transfer-encoding" in names or names.count("content-length") > 1:
        raise Violation("framing that two parsers could read differently")
    if not re.fullmatch(r"0|[1-9]\d{0,18}", request.get("content-length", "0")):
        raise Violation(f"Content-Length: {request.get('content-length')}")
    if request.all("transfer-encoding") not in ([], ["chunked"]):
        raise Violation(f"Transfer-Encoding: {request.all('transfer-encoding')}")
    for name in names:
        if name in HOP_BY_HOP or name.replace("_", "-") != name and name.replace("_", "-") in (
                {"content-length", "transfer-encoding", "host"} | OURS_ALONE):
            raise Violation(f"{name} must not be passed on")
        if name in OURS_ALONE and names.count(name) != 1:
            raise Violation(f"{name} more than once")
    for name in OURS_ALONE:
        if name not in names:
            raise Violation(f"{name} is missing")
    if request.all("te") not in ([], ["trailers"]):
        raise Violation(f"TE: {request.all('te')}")
    for connection in request.all("connection"):
        if connection.lower() not in ("te", "keep-alive", "close"):
            raise Violation(f"Connection: {connection}")


def check_trailers(trailers):
    for name, _ in trailers:
        if name.replace("_", "-") in ({"content-length", "transfer-encoding", "host", "authorization", "cookie"} | OURS_ALONE):
            raise Violation(f"{name} as a trailer")


class RecordingEndpoint:
    """Use as a context manager. `scripts` maps a path (without query) to a function of (wire, request) that answers in
    its own way, the body of the request unread; other paths are answered with 200 and the target as the body. Where it
    is not `strict` it takes what other proxies send too: their own fields, and targets as they leave them."""

    def __init__(self, scripts=None, strict=True):
        self.scripts = scripts or {}
        self.strict = strict
        self.requests = []
        self.violations = []
        self.broken_off = 0
        self._lock = threading.Lock()
        self._connections = set()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._socket.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def mark(self):
        """What to give to `since`."""
        with self._lock:
            return len(self.requests)

    def since(self, mark):
        """The requests whose heads have come since then."""
        with self._lock:
            return self.requests[mark:]

    def take_violations(self):
        with self._lock:
            found, self.violations = self.violations, []
            return found

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with self._lock:
            self._connections.add(connection)
        try:
            self._answer_all(Wire(connection))
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _answer_all(self, wire):
        within = False
        try:
            while True:
                within = bool(wire.buffer)
                request = wire.head(self.strict)
                within = True
                with self._lock:
                    self.requests.append(request)
                script = self.scripts.get(request.target.partition("?")[0])
                if script:
                    script(wire, request)
                    continue
                wire.read_body(request)
                body = b"" if request.method == "HEAD" else request.target.encode()
                wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(request.target), body))
        except Violation as violation:
            with self._lock:
                self.violations.append(str(violation))
        except (BrokeOff, OSError):
            with self._lock:
                self.broken_off += within
