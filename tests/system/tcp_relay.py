"""A TCP relay between a client and a server on loopback with the delay and the rate of a long path.

The kernels at both ends see loopback, so that the relay does what TCP would do on that path: it takes more of a
connection only as far as its congestion window goes, which doubles with every round trip.
"""

import asyncio
import contextlib

FIRST_WINDOW = 10 * 1460


class _Direction:
    """Bytes one way: each piece leaves once those before it have at this rate, and arrives so much later."""

    def __init__(self, relay, reader, writer):
        self.relay, self.reader, self.writer = relay, reader, writer
        self.free_at = 0.0
        self.window, self.unacknowledged = FIRST_WINDOW, 0
        self.acknowledgement = asyncio.Event()
        self.pieces = asyncio.Queue()

    async def run(self):
        arriving = asyncio.ensure_future(self.arrive())
        clock = asyncio.get_running_loop().time
        while piece := await self.reader.read(min(self.window - self.unacknowledged, 1 << 16)):
            self.free_at = max(self.free_at, clock()) + len(piece) / self.relay.rate
            self.unacknowledged += len(piece)
            self.relay.most_on_the_way = max(self.relay.most_on_the_way, self.unacknowledged)
            self.pieces.put_nowait((self.free_at + self.relay.delay, piece))
            while self.unacknowledged >= self.window:
                self.acknowledgement.clear()
                await self.acknowledgement.wait()
        self.pieces.put_nowait((clock() + self.relay.delay, b""))
        await arriving

    async def arrive(self):
        loop = asyncio.get_running_loop()
        while True:
            due, piece = await self.pieces.get()
            await asyncio.sleep(due - loop.time())
            if not piece:
                break
            self.writer.write(piece)
            await self.writer.drain()
            loop.call_later(self.relay.delay, self.acknowledged, len(piece))
        with contextlib.suppress(OSError):
            self.writer.write_eof()

    def acknowledged(self, count):
        self.unacknowledged -= count
        self.window += count
        self.acknowledgement.set()


class TcpRelay:
    def __init__(self, server_port, round_trip=0.0, rate=float("inf")):
        self.server_port, self.delay, self.rate = server_port, round_trip / 2, rate
        # How many bytes of a connection were on their way at once, in one direction, unacknowledged ones included.
        self.most_on_the_way = 0

    async def connected(self, client_reader, client_writer):
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        up = _Direction(self, client_reader, server_writer)
        down = _Direction(self, server_reader, client_writer)
        try:
            await asyncio.gather(up.run(), down.run())
        except OSError:
            pass
        finally:
            client_writer.close()
            server_writer.close()


@contextlib.asynccontextmanager
async def tcp_relay(server_port, **options):
    relay = TcpRelay(server_port, **options)
    server = await asyncio.start_server(relay.connected, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
