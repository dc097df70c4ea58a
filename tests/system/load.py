"""Steady load over h1, h2 and h3 with an account of every single request: its protocol, method, id and status (0: no answer)."""

import asyncio
import collections
import contextlib
import itertools
import signal
import ssl
import subprocess

import h2.config
import h2.connection
import h2.events

from h3_client import Failed, h3_client

Outcome = collections.namedtuple("Outcome", "protocol method id status")
PATIENCE = 30


def h2load(gatehouse, path, *options):
    """h2load in the background, until it is told to end."""
    return subprocess.Popen(["h2load", "-c4", "-m4", "-t1", "-n100000000", *options, gatehouse.url(path)],
                            stdout=subprocess.PIPE, text=True)


def end_h2load(process):
    """Its account; what was on its way when it was told to end counts as neither good nor bad."""
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=30)[0]


async def ask_until(stopped, gatehouse, path, size=None):
    """Requests over one h3 connection, one after another's answer; returns how many were answered as they should be."""
    answered = 0
    async with h3_client(gatehouse.port, gatehouse.certificate) as client:
        while not stopped.is_set():
            status, _, body = await client.request(path)
            assert status == 200 and size in (None, len(body)), (status, body)
            answered += 1
        assert client.terminated is None
    return answered


def tls(gatehouse, protocol):
    context = ssl.create_default_context(cafile=str(gatehouse.certificate))
    context.set_alpn_protocols([protocol])
    return context


class H1Client:
    """As many connections as requests are under way; each is used again."""

    def __init__(self, gatehouse):
        self.gatehouse, self.context, self.free = gatehouse, tls(gatehouse, "http/1.1"), []

    async def request(self, path, method, body, fields):
        if self.free:
            connection = self.free.pop()
        else:
            connection = await asyncio.open_connection("127.0.0.1", self.gatehouse.port, ssl=self.context, server_hostname="localhost")
        reader, writer = connection
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        writer.write((head + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n").encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
        got = dict(line.split(b": ", 1) for line in lines[1:] if b": " in line)
        await reader.readexactly(int(got[b"content-length"]))
        if got.get(b"connection") == b"close":
            writer.close()
        else:
            self.free.append(connection)
        return int(lines[0].split()[1])

    async def close(self):
        for _, writer in self.free:
            writer.close()


class H2Client(asyncio.Protocol):
    """One connection for all requests."""

    def __init__(self):
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.waiting, self.statuses = {}, {}
        self.places = asyncio.Semaphore(100)  # as many streams as Gatehouse allows

    def connection_made(self, transport):
        self.transport = transport
        self.http.initiate_connection()
        self.send()

    def send(self):
        self.transport.write(self.http.data_to_send())

    def data_received(self, data):
        for event in self.http.receive_data(data):
            stream = getattr(event, "stream_id", None)
            if isinstance(event, h2.events.ResponseReceived):
                self.statuses[stream] = int(dict(event.headers)[":status"])
            elif isinstance(event, h2.events.DataReceived):
                self.http.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, h2.events.StreamEnded):
                self.settle(stream, self.statuses.pop(stream))
            elif isinstance(event, h2.events.StreamReset):
                self.settle(stream, None)
        self.send()

    def settle(self, stream, status):
        waiter = self.waiting.pop(stream, None)
        if waiter and not waiter.done():
            waiter.set_result(status) if status else waiter.set_exception(Failed("stream reset"))

    def connection_lost(self, _):
        for stream in list(self.waiting):
            self.settle(stream, None)

    async def request(self, path, method, body, fields):
        async with self.places:
            return await self.request_now(path, method, body, fields)

    async def request_now(self, path, method, body, fields):
        stream = self.http.get_next_available_stream_id()
        self.waiting[stream] = asyncio.get_running_loop().create_future()
        waiter = self.waiting[stream]
        self.http.send_headers(stream, [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path),
                                        ("content-length", str(len(body))), *fields], end_stream=not body)
        if body:
            self.http.send_data(stream, body, end_stream=True)
        self.send()
        return await waiter

    async def close(self):
        self.transport.close()


class H3:
    def __init__(self, client):
        self.client = client

    async def request(self, path, method, body, fields):
        encoded = [(name.encode(), value.encode()) for name, value in fields]
        return (await self.client.request(path, method, body or None, encoded))[0]


@contextlib.asynccontextmanager
async def clients(gatehouse):
    """{protocol: client}."""
    loop = asyncio.get_running_loop()
    _, over_h2 = await loop.create_connection(H2Client, "127.0.0.1", gatehouse.port, ssl=tls(gatehouse, "h2"),
                                              server_hostname="localhost")
    over_h1 = H1Client(gatehouse)
    async with h3_client(gatehouse.port, gatehouse.certificate, idle_timeout=120) as over_h3:
        yield {"h1": over_h1, "h2": over_h2, "h3": H3(over_h3)}
    await over_h1.close()
    await over_h2.close()


class Load:
    """Asks at a steady rate: by turns over each protocol, by turns GET and POST, each request with an id in X-Id."""

    def __init__(self, gatehouse, path, per_second):
        self.gatehouse, self.path, self.pause = gatehouse, path, 1 / per_second
        self.outcomes = []
        self.stopped = asyncio.Event()

    async def run(self):
        """Until stop(); returns the outcomes once each request has one."""
        loop = asyncio.get_running_loop()
        async with clients(self.gatehouse) as by_protocol, asyncio.TaskGroup() as group:
            kinds = itertools.cycle(itertools.product(by_protocol, ("GET", "POST")))
            begin = loop.time()
            for number in itertools.count():
                if self.stopped.is_set():
                    break
                protocol, method = next(kinds)
                group.create_task(self.ask(by_protocol[protocol], protocol, method, str(number)))
                await asyncio.sleep(max(0, begin + (number + 1) * self.pause - loop.time()))
        return self.outcomes

    async def ask(self, client, protocol, method, number):
        body = b"once" if method == "POST" else b""
        try:
            status = await asyncio.wait_for(client.request(self.path, method, body, [("x-id", number)]), PATIENCE)
        except (OSError, EOFError, Failed, TimeoutError) as error:
            status = 0
            print(f"  {protocol} {method} {number}: {error!r}")
        self.outcomes.append(Outcome(protocol, method, number, status))

    def stop(self):
        self.stopped.set()
