"""Long conversations with ASP.NET Core apps: SignalR on each of its transports, Blazor Server in a browser, gRPC-Web."""

import contextlib
import json
import os
import subprocess
import unittest

import dotnet
import harness
import signalr
from harness import PROTOCOLS, wait_until
from test_browser import key_hash
from status_page import TEXT, Page

VERSIONS = {"h1": "1.1", "h2": "2.0"}  # those that the runtime's client speaks without libraries of others


def reporter():
    return dotnet.published("reporter") / "reporter.dll"


class Client:
    """clients/ in one of its roles, as a process; use as a context manager."""

    def __init__(self, gatehouse, role, path, kind, version, *more):
        command = ["dotnet", str(dotnet.published("clients") / "clients.dll"), role, gatehouse.url(path), kind, version, *more]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                      env={**os.environ, "SSL_CERT_FILE": str(gatehouse.certificate), "HOME": str(gatehouse.directory)})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.communicate()

    def step(self):
        line = self.child.stdout.readline()
        if not line:
            raise AssertionError(self.child.stderr.read()[-3000:])
        message = json.loads(line)
        return message["step"], message["result"]

    def steps(self):
        out, err = self.child.communicate(timeout=harness.PATIENCE + 30)
        if self.child.returncode != 0:
            raise AssertionError(out + err[-3000:])
        return {message["step"]: message["result"] for message in map(json.loads, out.splitlines())}


class SignalR(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gatehouse = cls.enterClassContext(dotnet.Gatehouse(dotnet.hosted(reporter())))
        cls.gatehouse.ask("/pid")

    def test_each_transport_over_each_protocol(self):
        for transport in signalr.TRANSPORTS:
            for protocol in PROTOCOLS:
                with self.subTest(transport=transport, protocol=protocol), \
                        signalr.connected(self.gatehouse, protocol, transport) as connection:
                    self.assertEqual(connection.call(signalr.INVOCATION, "Echo", "höher"), "höher")
                    self.assertEqual(connection.call(signalr.INVOCATION, "Echo", "x" * 20_000), "x" * 20_000)
                    self.assertEqual(connection.call(signalr.STREAM, "Count", 100), list(range(1, 101)))

    def test_all_transports_are_offered(self):
        for protocol in PROTOCOLS:
            self.assertEqual(signalr.Polled(self.gatehouse, protocol, "/chat").offered,
                             ["WebSockets", "ServerSentEvents", "LongPolling"])

    def test_one_tells_all(self):
        with contextlib.ExitStack() as stack:
            others = [stack.enter_context(signalr.connected(self.gatehouse, protocol, transport))
                      for protocol in PROTOCOLS for transport in ("ServerSentEvents", "WebSockets")]
            with signalr.connected(self.gatehouse, "h2", "WebSockets") as speaker:
                speaker.call(signalr.INVOCATION, "Tell", "news")
            for other in others:
                message = other.message()
                while message["type"] == signalr.PING:
                    message = other.message()
                self.assertEqual((message["target"], message["arguments"]), ("told", ["news"]))

    def test_the_client_of_net(self):
        for transport in signalr.TRANSPORTS:
            for protocol, version in VERSIONS.items():
                with self.subTest(transport=transport, protocol=protocol), \
                        Client(self.gatehouse, "signalr", "/chat", transport, version) as client:
                    self.assertEqual(client.steps(), {"echo": "höher", "large": 20_000, "count": 5050, "told": "everybody"})

    def test_connections_outlive_a_recycle_of_another_app(self):
        two = '[[routes]]\npath = "/other"\nto = "other"\n' + dotnet.app("other", reporter())
        with dotnet.Gatehouse(dotnet.hosted(reporter(), more=two)) as gatehouse, contextlib.ExitStack() as stack:
            former = gatehouse.pid()
            self.assertEqual(gatehouse.ask("/other").status, 200)
            clients = [stack.enter_context(Client(gatehouse, "signalr", "/chat", "WebSockets", version, "wait"))
                       for version in VERSIONS.values()]
            for client in clients:
                while client.step()[0] != "told":
                    pass
            connections = [stack.enter_context(signalr.connected(gatehouse, protocol, "WebSockets")) for protocol in PROTOCOLS]
            gatehouse.must("recycle", name="other")
            gatehouse.await_message("app other: slot 0 stopped")
            for connection in connections:
                self.assertEqual(connection.call(signalr.INVOCATION, "Echo", "still here"), "still here")
            for client in clients:
                client.child.stdin.write("\n")
                client.child.stdin.flush()
                self.assertEqual(client.step(), ("again", "Connected"))
            self.assertEqual(gatehouse.pid(), former)


class ScaledOut(unittest.TestCase):
    """Two processes that know nothing of each other: a connection of SignalR is in one of them, and its requests must find it."""

    def test_a_sticky_cookie_leads_to_the_process_that_has_the_connection(self):
        keys = dotnet.PROFILE + '\ninstances = 2\nstart = "eager"\nsticky = {{ cookie = "process" }}'
        with dotnet.Gatehouse(dotnet.hosted(reporter(), keys=keys)) as gatehouse:
            gatehouse.await_state("serving")
            wait_until(lambda: len({gatehouse.pid() for _ in range(8)}) == 2, "both processes serve")
            for transport in signalr.TRANSPORTS:
                for version in VERSIONS.values():
                    with self.subTest(transport=transport, version=version), contextlib.ExitStack() as stack:
                        clients = [stack.enter_context(Client(gatehouse, "signalr", "/chat", transport, version)) for _ in range(3)]
                        for client in clients:
                            steps = client.steps()
                            self.assertEqual((steps["echo"], steps["count"]), ("höher", 5050))


class Blazor(unittest.TestCase):
    """`dotnet new blazor`, with the counter that lives on the server."""

    def test_a_page_stays_interactive_while_another_app_is_recycled(self):
        two = '[[routes]]\npath = "/other"\nto = "other"\n' + dotnet.app("other", reporter())
        assembly = dotnet.published("stockblazor", "blazor", "--interactivity", "Server") / "stockblazor.dll"
        with dotnet.Gatehouse(dotnet.hosted(assembly, more=two)) as gatehouse, \
                Page(f"--ignore-certificate-errors-spki-list={key_hash(gatehouse.certificate)}") as page:
            page.do("open", url=gatehouse.url("/counter"), width=1280, height=900, scheme="light")
            self.click(page, 1, until="clicks count")  # the first ones may come before the page is connected
            page.do("evaluate", script="globalThis.notReloaded = true")
            self.assertEqual(gatehouse.ask("/other").status, 200)
            gatehouse.must("recycle", name="other")
            gatehouse.await_message("app other: slot 0 stopped")
            before = self.count(page)
            page.do("evaluate", script="document.querySelector('main button').click()")
            wait_until(lambda: self.count(page) == before + 1, "the counter counts on")
            self.assertTrue(page.do("evaluate", script="globalThis.notReloaded === true"))
            self.assertEqual([text for text in page.do("complaints") if "favicon" not in text], [])
            line = gatehouse.metrics()
            self.assertEqual(sum(value for name, value in line.items() if name.startswith("gatehouse_tunnels{")), 1)

    @staticmethod
    def count(page):
        return int(page.do("evaluate", script=f"({TEXT}.match(/Current count: (\\d+)/) ?? [0, -1])[1]"))

    def click(self, page, least, until):
        def counted():
            page.do("evaluate", script="document.querySelector('main button')?.click()")
            return self.count(page) >= least
        wait_until(counted, until)


class Grpc(unittest.TestCase):
    """A service that speaks gRPC-Web over HTTP/1.1, with the client of .NET, which speaks it over h1 and h2."""

    def test_grpc_web_passes_untouched(self):
        assembly = dotnet.published("grpc") / "grpc.dll"
        expected = {"unary": "4 chairs", "trailer": "seven", "stream": "50 chair 50", "error": "InvalidArgument: a count below zero",
                    "deadline": "DeadlineExceeded", "large": 3_000_002}
        with dotnet.Gatehouse(dotnet.hosted(assembly)) as gatehouse:
            for kind in ("GrpcWeb", "GrpcWebText"):
                for protocol, version in VERSIONS.items():
                    with self.subTest(kind=kind, protocol=protocol), Client(gatehouse, "grpcweb", "/", kind, version) as client:
                        steps = client.steps()
                        steps["deadline"] = steps["deadline"].partition(":")[0]
                        self.assertEqual(steps, expected)

    def test_grpc_web_over_h3_by_hand(self):
        assembly = dotnet.published("grpc") / "grpc.dll"
        order = b"\x0a\x06chairs\x10\x04"
        with dotnet.Gatehouse(dotnet.hosted(assembly)) as gatehouse:
            for protocol in PROTOCOLS:
                answer = gatehouse.curl(protocol, "/gatehouse.test.Desk/Place", "--header", "Content-Type: application/grpc-web",
                                        body=b"\0" + len(order).to_bytes(4, "big") + order)
                self.assertEqual((answer.status, answer.fields["content-type"]), (200, "application/grpc-web"))
                receipt = b"\x0a\x084 chairs"
                message = b"\0" + len(receipt).to_bytes(4, "big") + receipt
                self.assertEqual(answer.body[:len(message)], message)
                self.assertEqual(answer.body[len(message)], 0x80)
                self.assertIn(b"grpc-status: 0", answer.body[len(message) + 5:].lower())


if __name__ == "__main__":
    dotnet.main()
