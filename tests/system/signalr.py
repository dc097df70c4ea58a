"""SignalR's JSON protocol over each of its transports and each version of HTTP, byte by byte: what its clients in browsers do."""

import contextlib
import json
import queue
import subprocess
import threading

import harness
from tunnel_ends import TUNNELS, frame

END = b"\x1e"
HANDSHAKE = b'{"protocol":"json","version":1}' + END
INVOCATION, ITEM, COMPLETION, STREAM, PING = 1, 2, 3, 4, 6


class Connection:
    """The protocol above a transport, which has send(bytes), receive() -> bytes and close()."""

    def __init__(self, transport):
        self.transport, self.buffer, self.calls = transport, b"", 0
        transport.send(HANDSHAKE)
        answer = self.message()
        if answer != {}:
            raise AssertionError(f"the handshake was refused: {answer}")

    def message(self):
        while END not in self.buffer:
            self.buffer += self.transport.receive()
        text, _, self.buffer = self.buffer.partition(END)
        return json.loads(text)

    def call(self, kind, target, *arguments):
        self.calls += 1
        self.transport.send(json.dumps({"type": kind, "invocationId": str(self.calls), "target": target,
                                        "arguments": arguments}).encode() + END)
        items = []
        while True:
            message = self.message()
            if message["type"] == ITEM:
                items.append(message["item"])
            elif message["type"] == COMPLETION:
                return items if kind == STREAM else message.get("result")
            elif message["type"] == INVOCATION:
                items.append(message)
            elif message["type"] != PING:
                raise AssertionError(f"unexpected: {message}")


class Polled:
    """What is sent is posted; what is received is the answers of one GET after the other."""

    def __init__(self, gatehouse, protocol, hub):
        self.gatehouse, self.protocol = gatehouse, protocol
        answer = gatehouse.curl(protocol, f"{hub}/negotiate?negotiateVersion=1", body=b"")
        if answer.status != 200:
            raise AssertionError(f"negotiate: {answer.status} {answer.body} {answer.error}")
        self.offered = [one["transport"] for one in answer.json()["availableTransports"]]
        self.path = f"{hub}?id={answer.json()['connectionToken']}"
        self.begin()

    def begin(self):
        self.receive()  # the first is answered at once: the connection is there

    def send(self, data):
        answer = self.gatehouse.curl(self.protocol, self.path, "--header", "Content-Type: text/plain;charset=UTF-8", body=data)
        if answer.status != 200:
            raise AssertionError(f"send: {answer.status} {answer.body}")

    def receive(self):
        answer = self.gatehouse.curl(self.protocol, self.path)
        if answer.status != 200:
            raise AssertionError(f"poll: {answer.status} {answer.body} {answer.error}")
        return answer.body

    def close(self):
        answer = self.gatehouse.curl(self.protocol, self.path, "--request", "DELETE")
        if answer.status != 202:
            raise AssertionError(f"the end: {answer.status} {answer.body}")


class Events(Polled):
    """What is received is one answer that does not end, event by event."""

    def begin(self):
        self.events = queue.Queue()
        self.child = subprocess.Popen(
            ["curl", "--silent", "--no-buffer", "--cacert", str(self.gatehouse.certificate), harness.PROTOCOLS[self.protocol],
             "--header", "Accept: text/event-stream", self.gatehouse.url(self.path)], stdout=subprocess.PIPE)
        threading.Thread(target=self.collect, daemon=True).start()

    def collect(self):
        with self.child.stdout as stream:
            for line in stream:
                if line.startswith(b"data: "):
                    self.events.put(line[len(b"data: "):].rstrip(b"\r\n"))

    def receive(self):
        return self.events.get(timeout=harness.PATIENCE)

    def close(self):
        self.child.kill()
        self.child.wait()


class Socket:
    def __init__(self, gatehouse, protocol, hub):
        self.tunnel = TUNNELS[protocol](gatehouse, hub)

    def send(self, data):
        self.tunnel.send(frame(1, data))

    def receive(self):
        first, size = self.tunnel.read(2)
        if size >= 126:
            size = int.from_bytes(self.tunnel.read(2 if size == 126 else 8), "big")
        payload = self.tunnel.read(size)
        if first & 0x0f not in (0, 1):
            raise AssertionError(f"a frame of opcode {first & 0x0f}: {payload}")
        return payload

    def close(self):
        self.tunnel.close()


TRANSPORTS = {"LongPolling": Polled, "ServerSentEvents": Events, "WebSockets": Socket}


@contextlib.contextmanager
def connected(gatehouse, protocol, transport, hub="/chat"):
    way = TRANSPORTS[transport](gatehouse, protocol, hub)
    with contextlib.closing(way):
        yield Connection(way)
