"""Clients that take their time on purpose: heads, bodies and answers a byte at a time, and connections that only wait.

Each is cut off by the timeout that is meant for it, and while hundreds of them wait others are served.
"""

import contextlib
import socket
import ssl
import time

import h1_client
from h2_client import DATA, END_HEADERS, END_STREAM, HEADERS, H2Client, block, frame, request
from world import Table, World, harness, main

TIMEOUTS = '[timeouts]\nhandshake = "1s"\nheader = "1s"\nrequest_body = "1s"\nidle = "2s"\n'
POST = b"POST /row HTTP/1.1\r\nHost: localhost\r\n"


def dribble(connection, data, seconds):
    """A byte at a time until the other side has had enough; what it said."""
    deadline = time.monotonic() + seconds
    said = b""
    connection.settimeout(0.05)
    for position in range(len(data)):
        try:
            connection.sendall(data[position:position + 1])
            with contextlib.suppress(TimeoutError):
                more = connection.recv(65536)
                if not more:
                    return said
                said += more
        except OSError:
            return said
        if time.monotonic() > deadline:
            raise AssertionError(f"still open after {seconds} s")
    return said


class Slow(Table):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World(more=TIMEOUTS))

    def tls(self, protocol):
        context = ssl.create_default_context(cafile=str(self.world.gatehouse.certificate))
        context.set_alpn_protocols([protocol])
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.world.gatehouse.port), timeout=10), server_hostname="localhost")

    def test_a_head_a_byte_at_a_time_is_answered_with_408(self):
        def play(connect):
            with connect() as connection:
                said = dribble(connection, b"GET /row HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 100, 8)
            self.assertIn(b"HTTP/1.1 408", said)

        self.play_all(self.world, [
            ("cleartext", lambda: h1_client.connect(self.world.gatehouse.http)),
            ("tls", lambda: self.tls("http/1.1")),
        ], play)

    def test_a_body_that_stops_is_given_up(self):
        def play(head):
            mark = self.world.endpoint.broken_off
            reply = h1_client.ask(self.world.gatehouse.http, head)
            self.assertLessEqual(set(reply.statuses), {408})
            harness.wait_until(lambda: self.world.endpoint.broken_off > mark, "the endpoint sees it break off")

        self.play_all(self.world, [
            ("with a length", POST + b"Content-Length: 100\r\n\r\nhello"),
            ("in chunks", POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
            ("in the middle of trailers", POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n"),
        ], play)

    def test_a_stream_whose_head_or_body_stops_is_given_up(self):
        def play(frames):
            with H2Client(self.world.gatehouse.port, self.world.gatehouse.certificate) as client:
                client.send(frames)
                self.assertTrue(client.until(lambda: client.goaway is not None or client.stream(1).over or client.closed))

        self.play_all(self.world, [
            ("a head without its end", frame(HEADERS, END_STREAM, 1, block(*request(b"/row")))),
            ("a body without its end", frame(HEADERS, END_HEADERS, 1, block(*request(b"/row", b"POST"))) + frame(DATA, 0, 1, b"hello")),
        ], play)

    def test_hundreds_that_only_wait_keep_nobody_from_being_served(self):
        def play(count):
            with contextlib.ExitStack() as stack:
                for _ in range(count):
                    stack.enter_context(h1_client.connect(self.world.gatehouse.http)).sendall(b"GET / HTTP/1.1\r\nHost: l")
                for protocol in harness.PROTOCOLS:
                    self.assertEqual(self.world.gatehouse.curl(protocol, "/row").status, 200)

        self.play_all(self.world, [("three hundred", 300)], play)

    def test_an_answer_that_nobody_reads_holds_little(self):
        def play(_):
            before = self.world.gatehouse.resident_kib()
            with contextlib.ExitStack() as stack:
                for _ in range(50):
                    connection = stack.enter_context(socket.socket())
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                    connection.connect(("127.0.0.1", self.world.gatehouse.http))
                    connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
                harness.wait_until(lambda: sum(seen.target == "/large" for seen in self.world.endpoint.requests) >= 50, "all are asked for")
                self.assertLess(self.world.gatehouse.resident_kib() - before, 50 * 256)

        def large(wire, seen):
            wire.read_body(seen)
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n")
            for _ in range(200):
                wire.send(bytes(100_000))

        self.world.endpoint.scripts["/large"] = large
        self.play_all(self.world, [("fifty clients", None)], play)

    def test_a_thousand_ranges_are_one_field(self):
        def play(protocol):
            mark = self.world.endpoint.mark()
            ranges = "bytes=" + ",".join(f"{n}-{n}" for n in range(1000))
            self.assertEqual(self.world.gatehouse.curl(protocol, "/row", "--header", f"Range: {ranges}").status, 200)
            (seen,) = self.world.endpoint.since(mark)
            self.assertEqual(seen.all("range"), [ranges])

        self.play_all(self.world, [(protocol, protocol) for protocol in harness.PROTOCOLS], play)


if __name__ == "__main__":
    main()
