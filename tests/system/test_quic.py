"""QUIC as a network treats it: loss and reordering, migration, restarts, foreign versions, blocked UDP."""

import asyncio
import hashlib
import os
import signal
import socket
import subprocess
import unittest

import harness
from backend import sequence_digest
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from h3_client import h3_client
from udp_relay import udp_relay

TWO_WORKERS = '[server]\nworkers = 2\nadmin = "127.0.0.1:{admin}"\n'


PATIENCE = 5


class Quic(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(TWO_WORKERS + harness.simple(cls.backend.port)))

    def test_bodies_survive_loss_reordering_and_duplication(self):
        body = os.urandom(2_000_000)

        async def play():
            async with udp_relay(self.gatehouse.port, loss=0.03, reordering=0.05, duplication=0.01) as relay:
                async with h3_client(relay.port, self.gatehouse.certificate) as client:
                    _, _, down = await client.request("/bytes/5000000")
                    _, _, seen = await client.request("/echo", "POST", body)
                return relay, down, seen

        relay, down, seen = asyncio.run(play())
        self.assertGreater(relay.lost, 20)
        self.assertGreater(relay.reordered, 20)
        self.assertEqual(hashlib.sha256(down).hexdigest(), sequence_digest(5_000_000))
        self.assertIn(hashlib.sha256(body).hexdigest(), seen.decode())

    def test_a_connection_survives_a_new_client_address(self):
        async def play():
            async with h3_client(self.gatehouse.port, self.gatehouse.certificate) as client:
                for round_ in range(6):  # enough to reach the other worker's socket by address hash
                    slow = client.begin("/bytes/3000000")
                    await client.rebind()
                    status, _, body = await client.answer(slow)
                    self.assertEqual((status, len(body)), (200, 3_000_000), round_)
                    self.assertEqual((await client.request("/echo", "POST", b"x" * 100_000))[0], 200)
                self.assertIsNone(client.terminated)

        asyncio.run(play())

    def test_a_client_may_change_keys_and_connection_ids(self):
        async def play():
            async with h3_client(self.gatehouse.port, self.gatehouse.certificate) as client:
                for _ in range(3):
                    self.assertEqual((await client.request("/echo"))[0], 200)
                    client.request_key_update()
                    self.assertEqual((await client.request("/echo"))[0], 200)
                    client.change_connection_id()
                self.assertEqual((await client.request("/bytes/100000"))[0], 200)

        asyncio.run(play())

    def test_an_unknown_version_is_answered_with_the_known_ones(self):
        packet = b"\xc0\x1a\x2a\x3a\x4a" + b"\x08" + b"A" * 8 + b"\x08" + b"B" * 8
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.sendto(packet.ljust(1200, b"\0"), ("127.0.0.1", self.gatehouse.port))
            answer = client.recv(2000)
        self.assertEqual(answer[1:5], b"\0\0\0\0")
        self.assertEqual(answer[5:23], b"\x08" + b"B" * 8 + b"\x08" + b"A" * 8)
        self.assertIn(b"\0\0\0\x01", [answer[i:i + 4] for i in range(23, len(answer), 4)])

    def test_garbage_and_short_initials_get_no_answer(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.5)
            for packet in (b"", b"\0", b"\xff" * 21, b"\xc0\0\0\0\x01\x08" + b"A" * 8 + b"\x08" + b"B" * 300, os.urandom(30)):
                client.sendto(packet, ("127.0.0.1", self.gatehouse.port))
            self.assertRaises(TimeoutError, client.recv, 2000)
        self.assertEqual(self.gatehouse.curl("h3", "/echo").status, 200)

    def test_a_restarted_gatehouse_resets_the_connections_it_does_not_know(self):
        async def play(gatehouse):
            async with h3_client(gatehouse.port, gatehouse.certificate) as client:
                self.assertEqual((await client.request("/echo"))[0], 200)
                gatehouse.process.send_signal(signal.SIGKILL)
                gatehouse.process.wait()
                with gatehouse:
                    with self.assertRaises(Exception):
                        await client.request("/echo")
                    self.assertIsNotNone(client.terminated)

        gatehouse = harness.Gatehouse(harness.simple(self.backend.port))
        with gatehouse:
            asyncio.run(play(gatehouse))

    def test_tcp_goes_on_where_udp_is_taken(self):
        gatehouse = harness.Gatehouse(harness.simple(self.backend.port))
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as taken:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            taken.bind(("::", gatehouse.port))
            with gatehouse:
                self.assertRegex(gatehouse.log(), r"(?i)(warn|h3|quic).*in use")
                for protocol in ("h1", "h2"):
                    answer = gatehouse.curl(protocol, "/echo")
                    self.assertEqual(answer.status, 200)
                    self.assertNotIn("alt-svc", answer.fields)
                self.assertEqual(gatehouse.metric("^gatehouse_alt_svc_advertised"), 0)

    def test_half_open_handshakes_beyond_a_hundred_are_met_with_retry(self):
        """First flights of clients that never answer: none of them proves its address."""
        first_bytes = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.settimeout(PATIENCE)
            for _ in range(300):
                quic = QuicConnection(configuration=QuicConfiguration(alpn_protocols=["h3"], is_client=True, server_name="localhost"))
                quic.connect(("127.0.0.1", self.gatehouse.port), now=0.0)
                for data, _ in quic.datagrams_to_send(now=0.0):
                    sender.sendto(data, ("127.0.0.1", self.gatehouse.port))
                first_bytes.append(sender.recv(2000)[0])
        retries = [byte for byte in first_bytes if byte & 0xF0 == 0xF0]
        self.assertLessEqual(len(first_bytes) - len(retries), 200)  # at most a hundred for each worker
        self.assertEqual(first_bytes[-1] & 0xF0, 0xF0)
        for _ in range(3):  # real clients are served all the same, after one more round trip
            self.assertEqual(self.gatehouse.curl("h3", "/echo").status, 200)


if __name__ == "__main__":
    harness.main()
