"""What peers of QUIC that prove nothing, or misbehave, leave behind in Gatehouse: memory, places, work."""

import asyncio
import contextlib
import http.client
import itertools
import socket
import ssl
import unittest

import harness
import quic_packets
from h3_client import h3_client

CONFIG = """[server]
workers = 2
admin = "127.0.0.1:{admin}"
[limits]
max_connections = 60
"""
MOST_GROWTH_KIB = 16 * 1024


def ack_delay_exponent(parameters):
    parameters.ack_delay_exponent = 21


def small_datagrams(parameters):
    parameters.max_udp_payload_size = 1199


def servers_own(parameters):
    parameters.original_destination_connection_id = b"12345678"


BAD_PARAMETERS = {
    "an exponent beyond 20": {"spoil": ack_delay_exponent},
    "datagrams below 1200 bytes": {"spoil": small_datagrams},
    "what only servers have": {"spoil": servers_own},
    "cut short": {"spoil_bytes": lambda parameters: parameters[:-1]},
}


class Sender:
    """Sends datagrams from one address and throws away what comes back, so that nothing is lost in full buffers."""

    sources = itertools.count(1)

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((f"127.0.{next(self.sources)}.1", 0))  # of a prefix of its own
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(0.2)
        self.answers = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, datagrams):
        """Each waits for an answer to the one before, or a moment."""
        for datagram in datagrams:
            self.socket.send(datagram)
            try:
                self.answers.append(self.socket.recv(2000))
            except TimeoutError:
                pass


class Floods(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())

    def start(self, upstream=""):
        gatehouse = self.enterContext(harness.Gatehouse(CONFIG + harness.simple(self.backend.port, upstream)))
        for protocol in harness.PROTOCOLS:  # what is made once is made before memory is measured
            self.assertEqual(gatehouse.curl(protocol, "/echo").status, 200)
        return gatehouse

    def honest_tcp_client(self, gatehouse):
        context = ssl.create_default_context(cafile=str(gatehouse.certificate))
        client = http.client.HTTPSConnection("localhost", gatehouse.port, context=context, timeout=30)
        self.addCleanup(client.close)
        client.request("GET", "/echo")
        client.getresponse().read()
        client.local = client.sock.getsockname()
        return client

    def assert_still_served(self, client):
        client.request("GET", "/echo")
        answer = client.getresponse()
        answer.read()
        self.assertEqual(answer.status, 200)
        self.assertEqual(client.sock.getsockname(), client.local, "on the connection of before")

    def flood(self, gatehouse, make, count):
        """What it leaves: KiB of memory. An honest client of TCP is there before, during and after."""
        client = self.honest_tcp_client(gatehouse)
        before = gatehouse.resident_kib()
        with Sender(gatehouse.port) as sender:
            for _ in range(4):
                sender.send(make() for _ in range(count // 4))
                self.assert_still_served(client)
        for protocol in harness.PROTOCOLS:
            self.assertEqual(gatehouse.curl(protocol, "/echo").status, 200, protocol)
        return gatehouse.resident_kib() - before

    def test_handshakes_that_fail_leave_nothing_and_push_nobody_out(self):
        gatehouse = self.start()
        growth = self.flood(gatehouse, quic_packets.Hello(alpn=["nope"]).initial, 3000)
        self.assertLess(growth, MOST_GROWTH_KIB)
        self.assertGreater(gatehouse.metric("^gatehouse_quic_retries_total"), 2000)
        self.assertGreater(gatehouse.metric('^gatehouse_tls_handshake_failures_total.*reason="alpn"'), 0)
        self.assertEqual(gatehouse.metric("^gatehouse_connections_refused_total"), 0)

    def test_transport_parameters_that_are_wrong_leave_nothing(self):
        gatehouse = self.start()
        for what, spoilt in BAD_PARAMETERS.items():
            with self.subTest(what):
                failed = gatehouse.metric("^gatehouse_tls_handshake_failures_total")
                growth = self.flood(gatehouse, quic_packets.Hello(**spoilt).initial, 400)
                self.assertLess(growth, MOST_GROWTH_KIB)
                self.assertGreater(gatehouse.metric("^gatehouse_tls_handshake_failures_total"), failed)

    def test_ten_thousand_first_packets_of_one_address_are_met_with_retry(self):
        gatehouse = self.start()
        growth = self.flood(gatehouse, quic_packets.Hello().initial, 10_000)
        self.assertLess(growth, MOST_GROWTH_KIB)
        self.assertGreater(gatehouse.metric("^gatehouse_quic_retries_total"), 9_000)

    def test_uploads_that_no_endpoint_reads_are_held_up_to_the_window_of_the_connection(self):
        connections, streams, body = 4, 100, 64 * 1024

        async def play(gatehouse):
            async with contextlib.AsyncExitStack() as stack:
                clients = [await stack.enter_async_context(h3_client(gatehouse.port, gatehouse.certificate))
                           for _ in range(connections)]
                begun = [(client, client.begin("/slow/600000", "POST", end=False)) for client in clients for _ in range(streams)]
                await asyncio.sleep(2)
                before = gatehouse.resident_kib()
                for client, stream in begun:
                    client.http.send_data(stream, bytes(body), end_stream=False)
                    client.transmit()
                sent = -1
                while sent != (now := sum(client._quic._remote_max_data_used for client in clients)):
                    sent = now
                    await asyncio.sleep(1)
                growth = gatehouse.resident_kib() - before
                self.assertGreater(sent, connections * 900_000)  # the window is there to be used
                for client in clients:
                    for waiter in client.waiting.values():
                        waiter.cancel()
                    client._quic.close()
                    client.transmit()
                return sent, growth

        # All but one wait for their turn at the endpoint, so that nothing of them is in the kernel.
        gatehouse = self.start("max_requests = 1\n")
        sent, growth = asyncio.run(play(gatehouse))
        self.assertLess(sent, connections * 1_300_000)
        self.assertLess(growth, connections * 2300)  # with what is not filled of the last slab of each stream
        self.assertEqual(gatehouse.curl("h2", "/").status, 200)


if __name__ == "__main__":
    harness.main()
