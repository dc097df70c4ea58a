"""An HTTP/3 client on aioquic for what curl cannot do: many requests on one connection, migration, raw frames."""

import asyncio
import contextlib
import socket
import ssl

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StreamReset


class Failed(Exception):
    """A request that got no complete answer, and why."""


class H3Client(QuicConnectionProtocol):
    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.http = H3Connection(self._quic)
        self.waiting = {}
        self.answers = {}
        self.terminated = None

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated):
            self.terminated = event
            for waiter in self.waiting.values():
                self.fail_closed(waiter)
        elif isinstance(event, StreamReset) and event.stream_id in self.waiting and not self.waiting[event.stream_id].done():
            self.waiting[event.stream_id].set_exception(Failed(f"stream reset: {event.error_code:#x}"))
        for h3_event in self.http.handle_event(event):
            self.on_http(h3_event)

    def fail_closed(self, waiter):
        if not waiter.done():
            waiter.set_exception(Failed(f"connection closed: {self.terminated.error_code:#x} {self.terminated.reason_phrase}"))

    def on_http(self, event):
        answer = self.answers.get(event.stream_id)
        if answer is None:
            return
        if isinstance(event, HeadersReceived):
            answer["heads"].append(dict(event.headers))
        elif isinstance(event, DataReceived):
            answer["body"] += event.data
        if getattr(event, "stream_ended", False) and not self.waiting[event.stream_id].done():
            self.waiting[event.stream_id].set_result(None)

    def begin(self, path, method="GET", fields=(), end=True):
        """Sends a head; returns the stream's id. On a connection that has ended the answer fails at once."""
        stream = self._quic.get_next_available_stream_id()
        self.answers[stream] = {"heads": [], "body": bytearray()}
        self.waiting[stream] = asyncio.get_running_loop().create_future()
        if self.terminated is not None:
            self.fail_closed(self.waiting[stream])
            return stream
        self.http.send_headers(stream, [(b":method", method.encode()), (b":scheme", b"https"), (b":authority", b"localhost"),
                                        (b":path", path.encode()), *fields], end_stream=end)
        self.transmit()
        return stream

    async def answer(self, stream):
        """(status, fields, body) once the answer is complete."""
        try:
            await asyncio.wait_for(self.waiting.pop(stream) if self.waiting[stream].done() else self.waiting[stream], 30)
        finally:
            self.waiting.pop(stream, None)
        got = self.answers.pop(stream)
        head = next(h for h in got["heads"] if not h[b":status"].startswith(b"1"))
        return int(head[b":status"]), head, bytes(got["body"])

    async def request(self, path, method="GET", body=None, fields=()):
        stream = self.begin(path, method, fields, end=body is None)
        if body is not None and self.terminated is None:
            self.http.send_data(stream, body, end_stream=True)
            self.transmit()
        return await self.answer(stream)

    async def rebind(self):
        """Goes on from another local port, as after a NAT rebinding; returns the new port."""
        loop = asyncio.get_running_loop()
        new = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        new.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        new.bind(("::", 0))
        old = self._transport
        transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=new)
        self._transport = transport
        old.close()
        self._quic.send_ping(id(new))  # the server learns of the new address by a packet from it
        self.transmit()
        return new.getsockname()[1]

    def connection_lost(self, _):
        """Only the old transport of rebind() goes; the connection lives on."""


@contextlib.asynccontextmanager
async def h3_client(port, certificate, /, host="127.0.0.1", on_ticket=None, **options):
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, is_client=True, server_name="localhost", **options)
    configuration.load_verify_locations(str(certificate))
    configuration.verify_mode = ssl.CERT_REQUIRED
    async with connect(host, port, configuration=configuration, create_protocol=H3Client,
                       session_ticket_handler=on_ticket) as client:
        yield client
