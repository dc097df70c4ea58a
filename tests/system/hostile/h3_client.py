"""An HTTP/3 client that sends any frames on any streams and says exactly what came back. It drives aioquic's QUIC
connection itself, without aioquic's HTTP/3; fields are literals without Huffman coding or table."""

import socket
import ssl
import time

import pylsqpack
from aioquic.buffer import Buffer, encode_uint_var
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, StopSendingReceived, StreamDataReceived, StreamReset

from h2_client import integer, request  # noqa: F401: the same for both

DATA, HEADERS, CANCEL_PUSH, SETTINGS, PUSH_PROMISE, GOAWAY, MAX_PUSH_ID = 0x0, 0x1, 0x3, 0x4, 0x5, 0x7, 0xD
PRIORITY_UPDATE = 0xF0700
CONTROL, PUSH, ENCODER, DECODER = range(4)  # kinds of unidirectional streams
(NO_ERROR, GENERAL_PROTOCOL_ERROR, INTERNAL_ERROR, STREAM_CREATION_ERROR, CLOSED_CRITICAL_STREAM, FRAME_UNEXPECTED, FRAME_ERROR,
 EXCESSIVE_LOAD, ID_ERROR, SETTINGS_ERROR, MISSING_SETTINGS, REQUEST_REJECTED, REQUEST_CANCELLED, REQUEST_INCOMPLETE,
 MESSAGE_ERROR, CONNECT_ERROR, VERSION_FALLBACK) = range(0x100, 0x111)
DECOMPRESSION_FAILED, ENCODER_STREAM_ERROR, DECODER_STREAM_ERROR = range(0x200, 0x203)
PATIENCE = 15


def varint(value):
    return encode_uint_var(value)


def frame(kind, payload=b""):
    return varint(kind) + varint(len(payload)) + payload


def literal(name, value):
    """RFC 9204 section 4.5.6."""
    return integer(len(name), 3, 0x20) + name + integer(len(value), 7) + value


def block(*fields):
    return b"\0\0" + b"".join(literal(name, value) for name, value in fields)


def head(*fields):
    return frame(HEADERS, block(*fields))


def _frames(data):
    """(type, payload) of what is complete in `data`."""
    buffer = Buffer(data=bytes(data))
    found = []
    while not buffer.eof():
        try:
            kind, size = buffer.pull_uint_var(), buffer.pull_uint_var()
            found.append((kind, buffer.pull_bytes(size)))
        except ValueError:
            break
    return found


class Stream:
    """What came on it: `raw` bytes, `ended`, the codes of `reset` and `stopped` (STOP_SENDING), or None."""

    def __init__(self):
        self.raw, self.ended, self.reset, self.stopped = bytearray(), False, None, None
        self.decoder = pylsqpack.Decoder(0, 0)

    @property
    def over(self):
        return self.ended or self.reset is not None

    def heads(self):
        found = []
        for number, (kind, payload) in enumerate(_frames(self.raw)):
            if kind == HEADERS:
                found.append(dict(pylsqpack.Decoder(0, 0).feed_header(number, payload)[1]))
        return found

    @property
    def status(self):
        return next((int(fields[b":status"]) for fields in self.heads() if not fields.get(b":status", b"1").startswith(b"1")), 0)

    @property
    def data(self):
        return b"".join(payload for kind, payload in _frames(self.raw) if kind == DATA)


class H3Client:
    """A connection with its handshake done and, unless `control` is None, its control stream begun with these bytes.
    Use as a context manager."""

    def __init__(self, port, certificate, control=b"\0" + frame(SETTINGS), **options):
        configuration = QuicConfiguration(alpn_protocols=["h3"], is_client=True, server_name="localhost", **options)
        if certificate:
            configuration.load_verify_locations(str(certificate))
            configuration.verify_mode = ssl.CERT_REQUIRED
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = ("127.0.0.1", port)
        self.quic = QuicConnection(configuration=configuration)
        self.streams, self.terminated, self.ready = {}, None, False
        self.quic.connect(self.address, now=time.monotonic())
        self.until(lambda: self.ready)
        if control is not None and self.ready:
            self.control = self.open_unidirectional(control)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.terminated is None:
            self.quic.close()
            self._send()
        self.socket.close()

    def open_unidirectional(self, data):
        number = self.quic.get_next_available_stream_id(is_unidirectional=True)
        self.send(number, data)
        return number

    def open(self, data=b"", end=False):
        """A new request stream with this on it; its number."""
        number = self.quic.get_next_available_stream_id()
        self.send(number, data, end)
        return number

    def send(self, number, data=b"", end=False):
        self.quic.send_stream_data(number, data, end)
        self._send()

    def reset(self, number, code=REQUEST_CANCELLED):
        self.quic.reset_stream(number, code)
        self._send()

    def stop(self, number, code=REQUEST_CANCELLED):
        """STOP_SENDING."""
        self.quic.stop_stream(number, code)
        self._send()

    def stream(self, number):
        return self.streams.setdefault(number, Stream())

    @property
    def code(self):
        """Of the CONNECTION_CLOSE that came; None while there is none."""
        return None if self.terminated is None else self.terminated.error_code

    def until(self, condition, patience=PATIENCE):
        """Plays the connection until it holds, the connection ends or patience does; whether it holds."""
        deadline = time.monotonic() + patience
        while not condition() and self.terminated is None and time.monotonic() < deadline:
            self._send()
            wait = min(deadline, self.quic.get_timer() or deadline) - time.monotonic()
            self.socket.settimeout(max(wait, 0.001))
            try:
                data, address = self.socket.recvfrom(65536)
                self.quic.receive_datagram(data, address, now=time.monotonic())
            except TimeoutError:
                if (timer := self.quic.get_timer()) is not None and timer <= time.monotonic():
                    self.quic.handle_timer(now=time.monotonic())
            except ConnectionRefusedError:
                break
            self._take_events()
        self._send()
        return bool(condition())

    def until_over(self, *numbers, patience=PATIENCE):
        return self.until(lambda: all(self.stream(number).over for number in numbers), patience)

    def until_closed(self, patience=PATIENCE):
        return self.until(lambda: self.terminated is not None, patience)

    def _send(self):
        for data, address in self.quic.datagrams_to_send(now=time.monotonic()):
            self.socket.sendto(data, address)

    def _take_events(self):
        while event := self.quic.next_event():
            if isinstance(event, HandshakeCompleted):
                self.ready = True
            elif isinstance(event, ConnectionTerminated):
                self.terminated = event
            elif isinstance(event, StreamDataReceived):
                self.stream(event.stream_id).raw += event.data
                self.stream(event.stream_id).ended |= event.end_stream
            elif isinstance(event, StreamReset):
                self.stream(event.stream_id).reset = event.error_code
            elif isinstance(event, StopSendingReceived):
                self.stream(event.stream_id).stopped = event.error_code
