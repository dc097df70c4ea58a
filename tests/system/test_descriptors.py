"""Too few descriptors or ports: no upstream can take what another one's clients need, no endpoint is blamed, and all is well again as soon
as there are enough."""

import asyncio
import collections
import contextlib
import os
import resource
import ssl
import subprocess
import time
import unittest

import h2.config
import h2.connection
import h2.events
import harness
from h3_client import h3_client

FILES = 200
PORTS = 8
ASKED = {"h1": 60, "h2": 100, "h3": 100}  # at once: h1 on as many connections, the others on one

CONFIG = harness.LISTENERS + """
[[routes]]
path = "/greedy"
to = "greedy"
[[routes]]
path = "/modest"
to = "modest"
[upstreams.greedy]
endpoints = ["127.0.0.1:ENDPOINT"]
queue_timeout = "1s"
[upstreams.modest]
endpoints = ["127.0.0.2:ENDPOINT"]
[upstreams.greedy.outlier]
consecutive_failures = 1
[upstreams.modest.outlier]
consecutive_failures = 1
"""

Reply = collections.namedtuple("Reply", "status proxy_status retry_after")


class WithFewFiles(harness.Gatehouse):
    def command(self):
        return ["prlimit", f"--nofile={FILES}:{FILES}", *super().command()]


class Endpoint:
    """Answers /.../hold only once it is told to, and anything else at once."""

    def __init__(self):
        self.held, self.released = 0, asyncio.Event()

    async def __aenter__(self):
        # Both addresses, so that each upstream has one of its own on the same port.
        self.server = await asyncio.start_server(self.serve, "0.0.0.0", 0, backlog=1024)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.released.set()
        self.server.close()

    async def serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if head.split()[1].endswith(b"/hold"):
                    self.held += 1
                    await self.released.wait()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        writer.close()


async def ask_h1(reader, writer, path):
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:] if line)
    await reader.readexactly(int(fields["content-length"]))
    return Reply(int(lines[0].split()[1]), fields.get("proxy-status", ""), fields.get("retry-after"))


class H1:
    """Each request on a connection of its own."""

    def __init__(self, gatehouse):
        self.port, self.writers = gatehouse.http, []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for writer in self.writers:
            writer.close()

    async def ask(self, path):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return await ask_h1(reader, writer, path)


class H1OneByOne(H1):
    """One request after the other on one connection."""

    async def __aenter__(self):
        self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(self.streams[1])
        return self

    async def ask(self, path):
        return await ask_h1(*self.streams, path)


class H2:
    """All requests on one connection."""

    def __init__(self, gatehouse):
        self.port, self.fields, self.ended = gatehouse.port, {}, {}
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))

    async def __aenter__(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        self.http.initiate_connection()
        self.reading = asyncio.create_task(self.read())
        return self

    async def __aexit__(self, *_):
        self.reading.cancel()
        self.writer.close()

    async def read(self):
        while data := await self.reader.read(65536):
            for event in self.http.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    self.fields[event.stream_id] = dict(event.headers)
                elif isinstance(event, h2.events.StreamEnded):
                    self.ended[event.stream_id].set_result(None)
                elif isinstance(event, h2.events.StreamReset):
                    self.ended[event.stream_id].set_exception(ConnectionError(str(event)))
            self.writer.write(self.http.data_to_send())

    async def ask(self, path):
        stream = self.http.get_next_available_stream_id()
        self.ended[stream] = asyncio.get_running_loop().create_future()
        self.http.send_headers(stream, [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", path)],
                               end_stream=True)
        self.writer.write(self.http.data_to_send())
        await self.ended[stream]
        fields = self.fields[stream]
        return Reply(int(fields[":status"]), fields.get("proxy-status", "").lower(), fields.get("retry-after"))


class H3:
    """All requests on one connection."""

    def __init__(self, gatehouse):
        self.context = h3_client(gatehouse.port, gatehouse.certificate)

    async def __aenter__(self):
        self.client = await self.context.__aenter__()
        return self

    async def __aexit__(self, *error):
        await self.context.__aexit__(*error)

    async def ask(self, path):
        status, fields, _ = await self.client.request(path)
        return Reply(status, fields.get(b"proxy-status", b"").decode().lower(), fields.get(b"retry-after", b"").decode() or None)


CLIENTS = {"h1": H1, "h2": H2, "h3": H3}
ONE_CONNECTION = {"h1": H1OneByOne, "h2": H2, "h3": H3}


async def until(condition, what):
    await asyncio.to_thread(harness.wait_until, condition, what)


@contextlib.contextmanager
def no_more_files(process):
    """No descriptor can be opened there meanwhile: the limit is the lowest number that is free."""
    before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    try:
        # One that was open for a moment only becomes free below the limit: so until none does any more.
        quiet = 0
        while quiet < 10:
            lowest = lowest_free(process.pid)
            quiet = quiet + 1 if lowest >= resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0] else 0
            if quiet == 0:
                resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (lowest, before[1]))
            time.sleep(0.03)
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)


def lowest_free(pid):
    taken = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    return next(number for number in range(len(taken) + 1) if number not in taken)


@contextlib.contextmanager
def own_network():
    """A loopback that no other process sees, for this thread and whatever it begins."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            os.unshare(os.CLONE_NEWNET)
        except PermissionError:
            raise unittest.SkipTest("a network of its own needs root") from None
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            os.setns(home, os.CLONE_NEWNET)
    finally:
        os.close(home)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def check_refusals(test, replies, reason=""):
    for reply in replies:
        test.assertEqual(reply.status, 503)
        test.assertTrue(reply.proxy_status.startswith("gatehouse; error=connection_limit_reached"), reply)
        test.assertIn(reason, reply.proxy_status)
        test.assertEqual(reply.retry_after, "1")


def check_that_nobody_is_blamed(test, gatehouse, refused):
    """`refused` requests failed for want of something of ours, and nothing else is counted."""
    test.assertEqual(gatehouse.metric(r'^gatehouse_faults_total{.*fault="out_of_resources"'), refused)
    test.assertEqual(gatehouse.metric(r'^gatehouse_faults_total{.*fault="connect_'), 0)
    test.assertEqual(gatehouse.metric(r'^gatehouse_upstream_connects_total{.*result="(failed|refused|timeout)"'), 0)
    test.assertEqual(gatehouse.metric(r"^gatehouse_endpoint_ejections_total"), 0)
    faults = [line.get("fault") for line in gatehouse.access_log(refused, lambda line: line["status"] == 503)]
    test.assertEqual(faults, ["out_of_resources"] * refused)


class Shared(unittest.TestCase):
    async def one_takes_all_it_can(self, gatehouse, endpoint, protocol):
        """Returns the replies that did not wait for the endpoint."""
        asked = ASKED[protocol]
        async with CLIENTS[protocol](gatehouse) as client:
            requests = [asyncio.create_task(client.ask("/greedy/hold")) for _ in range(asked)]
            try:
                # What found no room in time: refused while the others' answers are still held back.
                await until(lambda: sum(request.done() for request in requests) + endpoint.held == asked, "a place or a refusal for each")
                refused = [request.result() for request in requests if request.done()]
                self.assertGreater(len(refused), 0)
                for other in harness.PROTOCOLS:
                    answer = await asyncio.to_thread(gatehouse.curl, other, "/modest")
                    self.assertEqual((answer.status, answer.body), (200, b"hello"), answer.error)
                self.assertEqual(sum(request.done() for request in requests), len(refused))
            finally:
                endpoint.released.set()
            served = [reply.status for reply in await asyncio.gather(*requests)]
            self.assertEqual(sorted(served), [200] * (asked - len(refused)) + [503] * len(refused))
            for _ in range(3):
                self.assertEqual((await client.ask("/greedy/again")).status, 200)
        return refused

    def test_one_upstream_that_takes_all_it_can_leaves_others_what_they_need(self):
        async def play(protocol):
            async with Endpoint() as endpoint:
                with WithFewFiles(CONFIG.replace("ENDPOINT", str(endpoint.port))) as gatehouse:
                    refused = await self.one_takes_all_it_can(gatehouse, endpoint, protocol)
                    await asyncio.to_thread(check, gatehouse, ASKED[protocol] - len(refused), refused)

        def check(gatehouse, held, refused):
            limit = gatehouse.metric(r"^gatehouse_upstream_connections_limit")
            self.assertGreater(limit, 0)
            self.assertLess(limit, FILES)
            self.assertGreaterEqual(held, limit - limit // 4)
            self.assertLess(held, limit)
            self.assertLessEqual(gatehouse.metric(r"^gatehouse_upstream_connections_open"), limit)
            check_refusals(self, refused)
            check_that_nobody_is_blamed(self, gatehouse, len(refused))
            self.assertGreater(gatehouse.metric(r'^gatehouse_upstream_short_of_room_total{.*upstream="greedy"'), 0)
            self.assertEqual(gatehouse.metric(r'^gatehouse_upstream_short_of_room_total{.*upstream="modest"'), 0)
            self.assertRegex(gatehouse.log(), rf"no room for another connection to greedy: .* the process may have {limit:.0f};")

        for protocol in CLIENTS:
            with self.subTest(protocol):
                asyncio.run(play(protocol))

    def test_ports_that_are_all_taken_are_no_fault_of_the_endpoint(self):
        async def play(protocol):
            async with Endpoint() as endpoint:
                with harness.Gatehouse(CONFIG.replace("ENDPOINT", str(endpoint.port))) as gatehouse:
                    async with CLIENTS[protocol](gatehouse) as client:
                        self.assertEqual((await client.ask("/nowhere")).status, 404)
                        with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as ports:
                            ports.write(f"20000 {20000 + PORTS - 1}")
                        requests = [asyncio.create_task(client.ask("/greedy/hold")) for _ in range(3 * PORTS)]
                        await until(lambda: sum(r.done() for r in requests) + endpoint.held == len(requests), "an answer or a refusal")
                        self.assertEqual(endpoint.held, PORTS)
                        check_refusals(self, [r.result() for r in requests if r.done()], "eaddrnotavail")
                        self.assertEqual((await client.ask("/modest")).status, 200)
                        endpoint.released.set()
                        await asyncio.gather(*requests)
                        self.assertEqual((await client.ask("/greedy")).status, 200)
                    await asyncio.to_thread(check_that_nobody_is_blamed, self, gatehouse, 2 * PORTS)
                    await asyncio.to_thread(gatehouse.await_message, "no descriptor, port or memory for a connection to .* of greedy: ")

        for protocol in ("h2", "h3"):  # an h1 client would itself need as many ports
            with self.subTest(protocol), own_network():
                asyncio.run(play(protocol))

    def test_limits_that_are_low_are_said_at_the_start(self):
        config = CONFIG.replace("ENDPOINT", str(harness.free_port()))
        with WithFewFiles(config) as gatehouse:
            self.assertRegex(gatehouse.log(), rf"the process may open only {FILES} files, which carry \d+ connections of clients and \d+ ")
        with WithFewFiles(config + "[limits]\nmax_connections = 1000\n") as gatehouse:
            self.assertRegex(gatehouse.log(), rf"limits\.max_connections is lowered from 1000 to \d+: the process may open {FILES} files")
        with harness.Gatehouse(config) as gatehouse:
            self.assertNotRegex(gatehouse.log(), r"\d+ files")


# What checks the type of objects opens a pipe to look at memory, and reports a wrong type where it cannot.
@unittest.skipIf(harness.SANITIZED, "sanitizers need descriptors themselves")
class WithoutAny(unittest.TestCase):
    def test_accepting_rests_without_a_spin_and_recovers(self):
        async def ask(client):
            async with client:
                return (await client.ask("/modest")).status

        async def play():
            async with Endpoint() as endpoint:
                with harness.Gatehouse(CONFIG.replace("ENDPOINT", str(endpoint.port))) as gatehouse:
                    with no_more_files(gatehouse.process):
                        asked = [asyncio.create_task(ask(client(gatehouse))) for client in (H1, H2)]
                        await until(lambda: "no descriptor for another connection" in gatehouse.log(), "a line that says why")
                        used = cpu_seconds(gatehouse.process.pid)
                        await asyncio.sleep(2)  # what is measured is what it does meanwhile
                        self.assertLess(cpu_seconds(gatehouse.process.pid) - used, 0.2)
                        self.assertEqual([each.done() for each in asked], [False, False])
                    self.assertEqual(await asyncio.gather(*asked), [200, 200])
                    refused = r'^gatehouse_connections_refused_total{.*reason="descriptors"'
                    self.assertGreater(await asyncio.to_thread(gatehouse.metric, refused), 0)

        asyncio.run(play())

    def test_an_endpoint_is_not_blamed_for_it(self):
        async def play(protocol):
            async with Endpoint() as endpoint:
                with harness.Gatehouse(CONFIG.replace("ENDPOINT", str(endpoint.port))) as gatehouse:
                    async with ONE_CONNECTION[protocol](gatehouse) as client:
                        self.assertEqual((await client.ask("/nowhere")).status, 404)
                        with no_more_files(gatehouse.process):
                            refused = [await client.ask("/greedy") for _ in range(3)]
                        self.assertEqual((await client.ask("/greedy")).status, 200)
                        await asyncio.to_thread(check, gatehouse, refused)

        def check(gatehouse, refused):
            check_refusals(self, refused, "emfile")
            check_that_nobody_is_blamed(self, gatehouse, 3)
            self.assertEqual(gatehouse.metric(r'^gatehouse_upstream_connects_total{.*result="out_of_resources"'), 3)
            gatehouse.await_message("no descriptor, port or memory for a connection to .* of greedy: ")

        for protocol in CLIENTS:
            with self.subTest(protocol):
                asyncio.run(play(protocol))


if __name__ == "__main__":
    harness.main()
