"""More clients than there is room for: they wait and are served, whatever they speak; one address gets no more than its share."""

import asyncio
import contextlib
import json
import re
import socket
import ssl
import time
import unittest

import h2.config
import h2.connection
import h2.events
import harness
from h3_client import h3_client

CLIENTS, LIMIT = 60, 40
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
ANSWER = """[[routes]]
respond = {{ status = 200, body = "hello" }}
"""
CROWDED = harness.LISTENERS + ANSWER + f"[limits]\nmax_connections = {LIMIT}\n"


def tls(alpn):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    return context


async def over_h1(port, context=None):
    """One complete request; the connection stays open until the answer is complete, and as long as the caller likes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(REQUEST)
    answer = b""
    while not answer.endswith(b"hello"):
        piece = await reader.read(65536)
        assert piece, f"closed after {answer!r}"
        answer += piece
    return writer


async def over_h2(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls("h2"))
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    client.initiate_connection()
    client.send_headers(1, [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/")], end_stream=True)
    writer.write(client.data_to_send())
    while True:
        piece = await reader.read(65536)
        assert piece, "closed without an answer"
        for event in client.receive_data(piece):
            assert not isinstance(event, h2.events.StreamReset), event
            if isinstance(event, h2.events.StreamEnded):
                return writer
        writer.write(client.data_to_send())


async def over_h3(gatehouse, all_served):
    """The same; the connection stays open until everybody has been served."""
    try:
        async with h3_client(gatehouse.port, gatehouse.certificate) as client:
            assert (await client.request("/"))[0] == 200
            await all_served.wait()
    except BaseException:
        await all_served.abort()
        raise


class AtTheLimit(unittest.TestCase):
    def crowd(self, gatehouse, ask, clients=CLIENTS):
        async def all_of_them():
            asked = asyncio.gather(*[ask() for _ in range(clients)], return_exceptions=True)
            outcomes = await asyncio.wait_for(asked, 60)
            for outcome in outcomes:
                if isinstance(outcome, asyncio.StreamWriter):
                    outcome.close()
            return outcomes

        outcomes = asyncio.run(all_of_them())
        self.assertEqual([outcome for outcome in outcomes if isinstance(outcome, BaseException)], [])
        self.assertGreater(gatehouse.metric(r"^gatehouse_connections_refused_total\{.*reason=\"limit\""), 0)

    def test_complete_requests_over_h1_wait_and_are_served(self):
        with harness.Gatehouse(CROWDED) as gatehouse:
            self.crowd(gatehouse, lambda: over_h1(gatehouse.http))
            self.assertRegex(gatehouse.log(), rf"limits\.max_connections is reached: {LIMIT} connections are open, .* \(\d+ times since the last such line\)")
            told = rf"limits\.max_connections \({LIMIT}\) is reached: clients wait to be let in, \d+ times in the last 10 s"
            harness.wait_until(lambda: any(re.fullmatch(told, reason) for reason in self.reasons(gatehouse)), "the status says so")

    def reasons(self, gatehouse):
        status = json.loads(harness.curl(f"http://127.0.0.1:{gatehouse.admin}/status.json").body)
        return [reason["text"] for reason in status["verdict"]["reasons"]]

    def test_over_h1_and_tls(self):
        with harness.Gatehouse(CROWDED) as gatehouse:
            self.crowd(gatehouse, lambda: over_h1(gatehouse.port, tls("http/1.1")))

    def test_over_h2(self):
        with harness.Gatehouse(CROWDED) as gatehouse:
            self.crowd(gatehouse, lambda: over_h2(gatehouse.port))

    def test_over_h3(self):
        clients, limit = 18, 12  # what proves an address is good for some seconds, and these clients are slow
        with harness.Gatehouse(CROWDED.replace(str(LIMIT), str(limit))) as gatehouse:
            all_served = asyncio.Barrier(clients)
            self.crowd(gatehouse, lambda: over_h3(gatehouse, all_served), clients)
            # Whoever waits does so before the handshake.
            self.assertEqual(gatehouse.metric(r"^gatehouse_tls_handshakes_total\{.*protocol=\"h3\""), clients)

    def test_idle_connections_make_room_for_a_client_of_h3(self):
        with harness.Gatehouse(CROWDED) as gatehouse, contextlib.ExitStack() as stack:
            for _ in range(LIMIT):
                idle = stack.enter_context(socket.create_connection(("127.0.0.1", gatehouse.http), timeout=10))
                idle.sendall(REQUEST)
                self.assertTrue(idle.recv(100).startswith(b"HTTP/1.1 200"))
            self.assertEqual(gatehouse.curl("h3", "/").status, 200)
            self.assertGreater(gatehouse.metric(r"^gatehouse_connections_evicted_total\{.*state=\"idle\""), 0)

    def test_who_holds_places_with_heads_that_do_not_end_makes_room(self):
        with harness.Gatehouse(CROWDED) as gatehouse, contextlib.ExitStack() as stack:
            for _ in range(LIMIT + 10):
                slow = stack.enter_context(socket.create_connection(("127.0.0.1", gatehouse.http)))
                slow.sendall(b"GET / HT")
            time.sleep(4)
            took = []
            for _ in range(20):
                begun = time.monotonic()
                self.assertEqual(harness.curl(f"http://127.0.0.1:{gatehouse.http}/").body, b"hello")
                took.append(time.monotonic() - begun)
            self.assertLess(sorted(took)[10], 1)
            self.assertGreater(gatehouse.metric(r"^gatehouse_connections_evicted_total\{.*state=\"unfinished\""), 0)


def asks(port, source):
    """True if a client at that address gets an answer, False if its connection is reset."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0)) as client:
            client.sendall(REQUEST)
            return client.recv(100).startswith(b"HTTP/1.1 200")
    except ConnectionError:
        return False


class OneClient(unittest.TestCase):
    SOON = ("--connect-timeout", "2")  # curl asks a server of h3 that refuses it again and again

    def test_has_so_many_connections_and_no_more(self):
        config = harness.LISTENERS + ANSWER + "[limits]\nmax_connections_per_client = 5\n"
        with harness.Gatehouse(config) as gatehouse:
            with contextlib.ExitStack() as stack:
                for _ in range(5):
                    client = stack.enter_context(socket.create_connection(("127.0.0.1", gatehouse.http)))
                    client.sendall(REQUEST)
                    self.assertTrue(client.recv(100))
                self.assertFalse(asks(gatehouse.http, "127.0.0.1"))
                self.assertTrue(asks(gatehouse.http, "127.0.0.2"))
                self.assertNotEqual(gatehouse.curl("h2", "/", "--ipv4").exit_code, 0)  # all listeners together
            harness.wait_until(lambda: asks(gatehouse.http, "127.0.0.1"), "a place for the client again")
            self.assertGreater(gatehouse.metric(r"^gatehouse_connections_refused_total\{.*reason=\"client_connections\""), 0)
            gatehouse.await_message(r"refused a connection of 127\.0\.0\.1 on ")

    def test_begins_so_many_handshakes_and_no_more(self):
        config = harness.LISTENERS + ANSWER + '[limits]\nmax_handshakes_per_client = "5/h"\n'
        with harness.Gatehouse(config) as gatehouse:
            codes = [gatehouse.curl("h1", "/", "--ipv4").status for _ in range(7)]
            self.assertEqual(codes, [200] * 5 + [0] * 2)
            self.assertTrue(asks(gatehouse.http, "127.0.0.1"))  # no handshake
            self.assertEqual(gatehouse.curl("h2", "/", "--interface", "127.0.0.2").status, 200)
            self.assertGreaterEqual(gatehouse.metric(r"^gatehouse_connections_refused_total\{.*reason=\"client_handshakes\""), 2)
            # Those of all protocols count together.
            self.assertEqual(gatehouse.curl("h3", "/", "--ipv4", *self.SOON).status, 0)
            self.assertEqual(gatehouse.curl("h3", "/", "--interface", "127.0.0.2").status, 200)

    def test_begins_so_many_handshakes_over_h3(self):
        config = harness.LISTENERS + ANSWER + '[limits]\nmax_handshakes_per_client = "5/h"\n'
        with harness.Gatehouse(config) as gatehouse:
            self.assertEqual([gatehouse.curl("h3", "/", "--ipv4").status for _ in range(5)], [200] * 5)
            refused = r"^gatehouse_connections_refused_total\{.*reason=\"client_handshakes\""
            self.assertEqual(gatehouse.metric(refused), 0)
            self.assertEqual(gatehouse.curl("h3", "/", "--ipv4", *self.SOON).status, 0)
            self.assertGreater(gatehouse.metric(refused), 0)
            self.assertEqual(gatehouse.curl("h2", "/", "--ipv4").status, 0)

    def test_on_loopback_has_no_limit_that_nobody_asked_for(self):
        with harness.Gatehouse(harness.LISTENERS + ANSWER) as gatehouse:
            self.assertEqual({gatehouse.curl("h1", "/[1-150]", "--header", "Connection: close", "--output", "/dev/null").exit_code}, {0})
            self.assertEqual(gatehouse.metric(r"^gatehouse_connections_refused_total"), 0)


if __name__ == "__main__":
    harness.main()
