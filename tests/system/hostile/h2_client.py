"""An HTTP/2 client that sends any frames and says exactly what came back."""

import socket
import ssl
import struct

from hpack import Decoder

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PRIORITY_UPDATE = 16
END_STREAM, ACK, END_HEADERS, PADDED = 0x1, 0x1, 0x4, 0x8
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR = range(7)
REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(7, 12)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PATIENCE = 15


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def integer(value, prefix, first=0):
    """RFC 7541 section 5.1; RFC 9204 uses the same."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes([first | value])
    encoded, value = [first | most], value - most
    while value >= 128:
        encoded.append(value % 128 + 128)
        value //= 128
    return bytes([*encoded, value])


def literal(name, value, first=0):
    """A literal field without indexing, its strings as they are: any bytes pass."""
    return bytes([first]) + integer(len(name), 7) + name + integer(len(value), 7) + value


def block(*fields):
    return b"".join(literal(name, value) for name, value in fields)


def request(path=b"/", method=b"GET", scheme=b"https", authority=b"localhost", more=()):
    """The fields of a request; None leaves a pseudo field out."""
    pseudo = ((b":method", method), (b":scheme", scheme), (b":authority", authority), (b":path", path))
    return [*((name, value) for name, value in pseudo if value is not None), *more]


class Stream:
    """What came on it: `fields` of the last head, `interim` statuses, `data`, `trailers`, `ended`, `reset` code or None."""

    def __init__(self):
        self.fields, self.interim, self.data, self.trailers = {}, [], b"", None
        self.ended, self.reset = False, None

    @property
    def status(self):
        return int(self.fields.get(b":status", 0))

    @property
    def over(self):
        return self.ended or self.reset is not None


class H2Client:
    """A connection, its preface and SETTINGS sent. Use as a context manager."""

    def __init__(self, port, certificate=None, settings=b"", preface=PREFACE):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if certificate:
            context = ssl.create_default_context(cafile=str(certificate))
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.decoder = Decoder()
        self.decoder.max_allowed_table_size = 65536
        self.streams, self.goaway, self.closed = {}, None, False
        self.frames = []  # (type, flags, stream, payload) of everything that came
        self._input = b""
        self._block = b""
        self.send(preface + frame(SETTINGS, payload=settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """False: the other side is gone; what it said before can be read."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def headers(self, stream, fields, flags=END_STREAM | END_HEADERS):
        return self.send(frame(HEADERS, flags, stream, block(*fields)))

    def stream(self, number):
        return self.streams.setdefault(number, Stream())

    def receive(self):
        """One recv and what it brings; False at the end or when nothing comes."""
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return False
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return False
        self._input += data
        while len(self._input) >= 9:
            size = int.from_bytes(self._input[:3], "big")
            if len(self._input) < 9 + size:
                break
            kind, flags = self._input[3], self._input[4]
            number = int.from_bytes(self._input[5:9], "big") & 0x7FFFFFFF
            payload, self._input = self._input[9:9 + size], self._input[9 + size:]
            self._take(kind, flags, number, payload)
        return True

    def until(self, condition):
        """Reads until it holds or nothing comes any more; whether it holds."""
        while not condition():
            if not self.receive():
                return bool(condition())
        return True

    def until_over(self, *numbers):
        return self.until(lambda: self.goaway is not None or all(self.stream(number).over for number in numbers))

    def until_closed(self):
        while self.receive():
            pass
        return self.closed

    def _take(self, kind, flags, number, payload):
        self.frames.append((kind, flags, number, payload))
        stream = self.stream(number)
        if kind == SETTINGS and not flags & ACK:
            self.send(frame(SETTINGS, ACK))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        elif kind == GOAWAY:
            self.goaway = int.from_bytes(payload[4:8], "big")
        elif kind == RST_STREAM:
            stream.reset = int.from_bytes(payload, "big")
        elif kind == DATA:
            stream.data += payload
            stream.ended |= bool(flags & END_STREAM)
            if payload:
                credit = struct.pack(">I", len(payload))
                self.send(frame(WINDOW_UPDATE, 0, 0, credit) + frame(WINDOW_UPDATE, 0, number, credit))
        elif kind in (HEADERS, CONTINUATION):
            self._block += payload
            if flags & END_HEADERS:
                fields = dict(self.decoder.decode(self._block, raw=True))
                self._block = b""
                if b":status" not in fields:
                    stream.trailers = fields
                elif fields[b":status"].startswith(b"1"):
                    stream.interim.append(int(fields[b":status"]))
                else:
                    stream.fields = fields
            if kind == HEADERS:
                stream.ended |= bool(flags & END_STREAM)
