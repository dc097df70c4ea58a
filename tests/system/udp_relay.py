"""A UDP relay between a client and a server on loopback that loses, delays and repeats datagrams, by a seeded choice.

With `round_trip` (seconds) and `rate` (bytes a second, each way) it is a long path: see tcp_relay.py.
"""

import asyncio
import contextlib
import random


class _Upstream(asyncio.DatagramProtocol):
    def __init__(self, relay, client):
        self.relay, self.client = relay, client

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, _):
        self.relay.pass_on(data, lambda: self.relay.transport.sendto(data, self.client), "down")


class UdpRelay(asyncio.DatagramProtocol):
    """Every client address gets a socket of its own towards the server."""

    def __init__(self, server_port, loss=0.0, reordering=0.0, duplication=0.0, round_trip=0.0, rate=float("inf"), seed=1):
        self.server_port = server_port
        self.delay, self.rate = round_trip / 2, rate
        self.free_at = {"up": 0.0, "down": 0.0}
        self.loss, self.reordering, self.duplication = loss, reordering, duplication
        self.random = random.Random(seed)
        self.upstreams = {}
        self.lost = self.reordered = self.passed = 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, client):
        asyncio.ensure_future(self.to_server(data, client))

    async def to_server(self, data, client):
        if client not in self.upstreams:
            self.upstreams[client] = asyncio.ensure_future(asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Upstream(self, client), remote_addr=("127.0.0.1", self.server_port)))
        upstream, _ = await self.upstreams[client]
        self.pass_on(data, lambda: upstream.sendto(data), "up")

    def pass_on(self, data, send, direction):
        if self.random.random() < self.loss:
            self.lost += 1
            return
        self.passed += 1
        if self.random.random() < self.reordering:
            self.reordered += 1
            asyncio.get_running_loop().call_later(self.random.uniform(0.002, 0.02), send)
        elif self.delay:
            loop = asyncio.get_running_loop()
            self.free_at[direction] = max(self.free_at[direction], loop.time()) + len(data) / self.rate
            loop.call_at(self.free_at[direction] + self.delay, send)
        else:
            send()
        if self.random.random() < self.duplication:
            send()


@contextlib.asynccontextmanager
async def udp_relay(server_port, **options):
    relay = UdpRelay(server_port, **options)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: relay, local_addr=("127.0.0.1", 0))
    relay.port = transport.get_extra_info("sockname")[1]
    try:
        yield relay
    finally:
        await asyncio.sleep(relay.delay)  # what is on its way arrives, the client's goodbye too
        for upstream in relay.upstreams.values():
            (await upstream)[0].close()
        transport.close()
