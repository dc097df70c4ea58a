"""Clients that take little, late or nothing: who moves within response_write is served, who does not is cut off."""

import concurrent.futures
import hashlib
import socket
import ssl
import subprocess
import time
import unittest

import harness
from backend import sequence_digest
from harness import PROTOCOLS

SIZE = 12 << 20  # more than the buffers of both kernels hold
RATE = SIZE // 30  # bytes a second
WINDOW = 64 << 10  # of a client that we make ourselves
CONFIG = """
[timeouts]
response_write = "3s"
[[routes]]
path = "/patient"
to = "app"
strip_prefix = true
timeouts = {{ response_write = "60s" }}
limits = {{ min_response_rate = 1000000 }}
"""


class SlowClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(harness.simple(cls.backend.port, CONFIG)))

    def path(self, name):
        return f"/bytes/{SIZE}?{name}"

    def line(self, name):
        return self.gatehouse.access_log(1, lambda line: line.get("query") == name)[0]

    def curl(self, protocol, name, *options):
        return subprocess.Popen(["curl", "-sS", "--cacert", str(self.gatehouse.certificate), PROTOCOLS[protocol], *options,
                                 self.gatehouse.url(self.path(name))], stdout=subprocess.PIPE)

    def open(self, name):
        """An h1 connection over TLS with a small window, and a request on it whose head has been read."""
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
        plain.connect(("127.0.0.1", self.gatehouse.port))
        client = ssl.create_default_context(cafile=self.gatehouse.certificate).wrap_socket(
            plain, server_hostname="localhost")
        client.sendall(f"GET {self.path(name)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        return client

    def expect_all(self, name, body):
        self.assertEqual((len(body), hashlib.sha256(body).hexdigest()), (SIZE, sequence_digest(SIZE)))
        self.assertIsNone(self.line(name)["fault"])

    @staticmethod
    def read(client, size):
        """So much, or all that comes before the end."""
        body = bytearray()
        while len(body) < size and (piece := client.recv(min(1 << 16, size - len(body)))):
            body += piece
        return body

    def test_a_client_at_a_low_rate_gets_all(self):
        """Slow enough that it takes longer than the timeout to make room in buffers of megabytes."""
        def one(protocol):
            with self.curl(protocol, f"rate-{protocol}", "--limit-rate", str(RATE)) as client:
                return client.communicate()[0]

        with concurrent.futures.ThreadPoolExecutor() as pool:
            for protocol, body in zip(PROTOCOLS, pool.map(one, PROTOCOLS)):
                with self.subTest(protocol):
                    self.expect_all(f"rate-{protocol}", body)

    def test_a_client_that_takes_some_every_two_seconds_gets_all(self):
        with self.open("steps") as client:
            body = bytearray()
            for _ in range(6):
                time.sleep(2)
                body += self.read(client, 2 * WINDOW)
            body += self.read(client, SIZE)
        self.expect_all("steps", body)

    def test_a_reader_that_pauses_is_served(self):
        with self.open("pause") as client:
            time.sleep(2)
            body = self.read(client, SIZE)
        self.expect_all("pause", body)

    def test_a_client_that_takes_nothing_is_cut_off(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol), self.curl(protocol, f"nothing-{protocol}") as client:
                client.stdout.read(1000)
                line = self.line(f"nothing-{protocol}")
                self.assertEqual(line["fault"], "client_stalled")
                client.kill()

    def test_patience_with_a_client_that_takes_nothing_ends_with_the_minimum_rate(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol), subprocess.Popen(
                    ["curl", "-sS", "--cacert", str(self.gatehouse.certificate), PROTOCOLS[protocol],
                     self.gatehouse.url("/patient" + self.path(f"patient-{protocol}"))], stdout=subprocess.PIPE) as client:
                client.stdout.read(1000)
                line = self.line(f"patient-{protocol}")
                self.assertEqual(line["fault"], "response_too_slow")
                client.kill()

    def upload(self, protocol, name, pieces):
        """A piece of a body each half second, for as long as somebody takes them; returns how many went, and curl's output."""
        with subprocess.Popen(["curl", "-sS", "--cacert", str(self.gatehouse.certificate), PROTOCOLS[protocol], "-T", "-", "-X", "POST",
                               "-H", "Expect:", "-o", "/dev/null", "-w", "%{http_code}", self.gatehouse.url(f"/echo?{name}")],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
            sent = 0
            while sent < len(pieces) and client.poll() is None:
                client.stdin.write(pieces[sent])
                client.stdin.flush()
                sent += 1
                time.sleep(0.5)
            status = client.communicate()[0]
        return sent, status

    def test_an_upload_that_drips_gets_408(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            done = pool.map(lambda protocol: self.upload(protocol, f"drip-{protocol}", [b"x"] * 60), PROTOCOLS)
            for protocol, (sent, status) in zip(PROTOCOLS, done):
                with self.subTest(protocol):
                    self.assertEqual(self.line(f"drip-{protocol}")["fault"], "request_too_slow")
                    self.assertEqual(status, b"408")
                    self.assertLess(sent, 40)

    def test_an_upload_at_the_minimum_rate_is_served(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            done = pool.map(lambda protocol: self.upload(protocol, f"steady-{protocol}", [b"x" * 150] * 24), PROTOCOLS)
            for protocol, (sent, status) in zip(PROTOCOLS, done):
                with self.subTest(protocol):
                    self.assertEqual((sent, status), (24, b"200"))
                    self.assertIsNone(self.line(f"steady-{protocol}")["fault"])


if __name__ == "__main__":
    harness.main()
