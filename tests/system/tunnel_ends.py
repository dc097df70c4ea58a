"""Both ends of tunnels, with every byte to be seen: clients of WebSockets over h1, h2 and h3, and a server that echoes."""

import asyncio
import base64
import hashlib
import os
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.events
from h3_client import h3_client

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
PATIENCE = 30


class Refused(Exception):
    """The answer was no tunnel."""

    def __init__(self, status, body=b""):
        super().__init__(status)
        self.status, self.body = status, body


def frame(opcode, payload=b"", fin=True, mask=os.urandom(4), rsv=0):
    """A frame as a client sends it (RFC 6455 section 5.2)."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    size = len(payload)
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 1 << 16:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class H1Tunnel:
    def __init__(self, gatehouse, path, secure=True):
        plain = socket.create_connection(("127.0.0.1", gatehouse.port if secure else gatehouse.http), timeout=PATIENCE)
        context = ssl.create_default_context(cafile=gatehouse.certificate)
        self.socket = context.wrap_socket(plain, server_hostname="localhost") if secure else plain
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                             f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.socket.recv(1)
            if not piece:
                raise Refused(0)
            head += piece
        self.status = int(head.split()[1])
        self.head = head.decode("latin-1")
        if self.status != 101:
            raise Refused(self.status)

    def send(self, data):
        self.socket.sendall(data)

    def read(self, size):
        data = bytearray()
        while len(data) < size and (piece := self.socket.recv(min(size - len(data), 1 << 16))):
            data += piece
        return bytes(data)

    def end(self):
        if not isinstance(self.socket, ssl.SSLSocket):
            self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()


class H2Tunnel:
    def __init__(self, gatehouse, path):
        plain = socket.create_connection(("127.0.0.1", gatehouse.port), timeout=PATIENCE)
        context = ssl.create_default_context(cafile=gatehouse.certificate)
        context.set_alpn_protocols(["h2"])
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(validate_outbound_headers=False, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.data, self.ended, self.head, self.raw = bytearray(), False, None, bytearray()
        self.pump(lambda: self.h2.remote_settings.enable_connect_protocol)
        self.h2.send_headers(1, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", path),
                                 (":authority", "localhost"), ("sec-websocket-version", "13")])
        self.pump(lambda: self.head is not None)
        self.status = int(self.head[":status"])
        if self.status != 200:
            self.pump(lambda: self.ended)
            raise Refused(self.status, bytes(self.data))

    def pump(self, done):
        while not done():
            if pending := self.h2.data_to_send():
                self.socket.sendall(pending)
            received = self.socket.recv(1 << 16)
            if not received:
                self.ended = True
                return
            for event in self.h2.receive_data(self.without_goaway(received)):
                if isinstance(event, h2.events.ResponseReceived):
                    self.head = dict(event.headers)
                elif isinstance(event, h2.events.DataReceived):
                    self.data += event.data
                    if event.flow_controlled_length:
                        self.h2.acknowledge_received_data(event.flow_controlled_length, 1)
                elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                    self.ended = True
        if pending := self.h2.data_to_send():
            self.socket.sendall(pending)

    def without_goaway(self, received):
        """Behind a GOAWAY the library takes nothing more, though streams go on (RFC 9113 section 6.8)."""
        self.raw += received
        frames = bytearray()
        while len(self.raw) >= 9 and len(self.raw) >= (size := 9 + int.from_bytes(self.raw[:3], "big")):
            if self.raw[3] != 7:
                frames += self.raw[:size]
            del self.raw[:size]
        return bytes(frames)

    def send(self, data):
        view = memoryview(data)
        while view:
            self.pump(lambda: self.h2.local_flow_control_window(1) > 0)
            size = min(len(view), self.h2.local_flow_control_window(1), self.h2.max_outbound_frame_size)
            self.h2.send_data(1, bytes(view[:size]))
            self.socket.sendall(self.h2.data_to_send())
            view = view[size:]

    def read(self, size):
        self.pump(lambda: len(self.data) >= size or self.ended)
        data = bytes(self.data[:size])
        del self.data[:size]
        return data

    def end(self):
        self.h2.end_stream(1)
        self.socket.sendall(self.h2.data_to_send())

    def close(self):
        self.socket.close()


class H3Tunnel:
    """aioquic on a loop and a thread of its own."""

    def __init__(self, gatehouse, path):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.context = h3_client(gatehouse.port, gatehouse.certificate)
        self.client = self.run(self.context.__aenter__())
        self.stream = self.run(self.begin(path))
        self.taken = 0
        self.run(self.until(lambda answer: answer["heads"]))
        self.status = int(self.answer["heads"][0][b":status"])
        if self.status != 200:
            self.run(self.until(lambda answer: self.over()))
            raise Refused(self.status, bytes(self.answer["body"]))

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

    async def begin(self, path):
        stream = self.client._quic.get_next_available_stream_id()
        self.client.answers[stream] = self.answer = {"heads": [], "body": bytearray()}
        self.client.waiting[stream] = self.loop.create_future()
        self.client.http.send_headers(stream, [(b":method", b"CONNECT"), (b":protocol", b"websocket"), (b":scheme", b"https"),
                                               (b":authority", b"localhost"), (b":path", path.encode()),
                                               (b"sec-websocket-version", b"13")])
        self.client.transmit()
        return stream

    def over(self):
        return self.client.waiting[self.stream].done() or self.client.terminated is not None

    async def until(self, done):
        while not (done(self.answer) or self.over()):
            await asyncio.sleep(0.005)

    async def write(self, data, end=False):
        self.client.http.send_data(self.stream, data, end_stream=end)
        self.client.transmit()

    def send(self, data):
        self.run(self.write(data))

    def read(self, size):
        self.run(self.until(lambda answer: len(answer["body"]) >= self.taken + size))
        data = bytes(self.answer["body"][self.taken:self.taken + size])
        self.taken += len(data)
        return data

    def end(self):
        self.run(self.write(b"", end=True))

    def close(self):
        waiter = self.client.waiting[self.stream]
        if waiter.done():
            waiter.exception()
        self.run(self.context.__aexit__(None, None, None))
        self.loop.call_soon_threadsafe(self.loop.stop)


class RawServer:
    """Answers the handshake, then echoes every byte as it is, keeps what came, and closes when told to."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.received = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(4096)
                if not piece:
                    return
                head += piece
            head, _, early = head.partition(b"\r\n\r\n")
            key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
            proof = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n"
                           b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n" + early)
            data = bytearray(early)
            self.received.append(data)
            while piece := client.recv(1 << 16):
                data += piece
                client.sendall(piece)

    def close(self):
        self.listener.close()


TUNNELS = {"h1": H1Tunnel, "h2": H2Tunnel, "h3": H3Tunnel}
