"""X-Delegate-To with real applications: a router that hands requests over, who gets them with their bodies, and what is seen of it."""

import collections
import hashlib
import http.server
import threading
import unittest

import harness

KIB, MIB = 1024, 1024 * 1024


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together

    def log_message(self, *_):
        pass

    def answer(self, status, fields, body=b""):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_expect_100(self):
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def do(self):
        with self.server.lock:
            self.server.seen.append({"path": self.path, "headers": dict(self.headers.items()), "peer": self.client_address[1]})
        self.respond()

    do_GET = do_POST = do


class Router(Handler):
    """/ask/... reads the body itself, /late/... reads it and hands over then, all else goes to `orders`."""

    def handle_expect_100(self):
        return not self.path.startswith(("/ask/", "/late/")) or super().handle_expect_100()

    def respond(self):
        if self.path.startswith("/ask/"):
            return self.answer(200, {}, b"router has %d" % len(self.rfile.read(int(self.headers["Content-Length"]))))
        if self.path.startswith("/late/"):
            self.rfile.read(int(self.headers["Content-Length"]))
        target = "nobody" if self.path == "/nobody" else "orders"
        return self.answer(200, {"X-Delegate-To": target, "X-Delegate-Headers": "X-Tenant, X-Forwarded-For", "X-Tenant": "acme",
                                 "X-Forwarded-For": "6.6.6.6"}, b"never seen")


class Orders(Handler):
    """Answers /N with N bytes, and says which body it got."""

    def respond(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        size = int(self.path.rsplit("/", 1)[1])
        self.answer(200, {"X-Got": hashlib.sha256(body).hexdigest(), "X-Seen-Tenant": self.headers.get("X-Tenant", "")}, b"o" * size)


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.lock, self.seen = threading.Lock(), []
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def handle_error(self, *_):
        """A connection on which a body was held is closed behind the answer."""

    def close(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


CONFIG = harness.LISTENERS + """
[[routes]]
to = "router"
[[routes]]
path = "/plain"
to = "plain"
[upstreams.router]
endpoints = ["127.0.0.1:ROUTER"]
delegate_to = ["orders"]
[upstreams.plain]
endpoints = ["127.0.0.1:ROUTER"]
[upstreams.orders]
endpoints = ["127.0.0.1:ORDERS"]
"""


def faults_of(lines):
    return collections.Counter(line["fault"] for line in lines)


class DelegationTest(unittest.TestCase):
    def setUp(self):
        self.router, self.orders = Server(Router), Server(Orders)
        self.addCleanup(self.router.close)
        self.addCleanup(self.orders.close)

    def gatehouse(self):
        return harness.Gatehouse(CONFIG.replace("ROUTER", str(self.router.server_address[1]))
                                 .replace("ORDERS", str(self.orders.server_address[1])))

    def test_answers_come_from_whom_the_request_was_handed_to(self):
        with self.gatehouse() as gatehouse:
            for protocol in harness.PROTOCOLS:
                for size in (KIB, MIB):
                    with self.subTest(protocol=protocol, size=size):
                        got = gatehouse.curl(protocol, f"/{size}", "-H", "X-Tenant: evil")
                        self.assertEqual((got.status, got.body), (200, b"o" * size), got.error)
                        self.assertEqual(got.fields.get("x-seen-tenant"), "acme")
                        self.assertNotIn("x-delegate-to", got.fields)
                        self.assertNotIn("x-delegate-headers", got.fields)
            lines = gatehouse.access_log(6)
            router, orders = (f"127.0.0.1:{server.server_address[1]}" for server in (self.router, self.orders))
            for line in lines:
                self.assertEqual((line["upstream"], line["endpoint"], line["delegated_by"], line["attempts"], line["fault"]),
                                 ("orders", orders, [f"router/{router}"], 2, None))
            self.assertEqual({line["id"] for line in lines}, {each["headers"]["X-Request-Id"] for each in self.router.seen})
            for first, second in zip(self.router.seen, self.orders.seen):
                for name in ("X-Request-Id", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Host", "Via"):
                    self.assertEqual(first["headers"][name], second["headers"][name], name)
            self.assertEqual(gatehouse.metric(r'^gatehouse_delegations_total\{upstream="router",target="orders",result="handed_over"\}'), 6)
            self.assertEqual(gatehouse.metric(r'^gatehouse_upstream_requests_total\{upstream="router".*code="200"\}'), 6)
            self.assertEqual(gatehouse.metric(r'^gatehouse_upstream_requests_total\{upstream="orders".*code="200"\}'), 6)

    def test_uploads_are_held_for_whom_the_request_is_handed_to(self):
        with self.gatehouse() as gatehouse:
            for protocol in harness.PROTOCOLS:
                for size in (KIB, MIB):
                    for expect in ("Expect:", "Expect: 100-continue"):
                        with self.subTest(protocol=protocol, size=size, expect=expect):
                            body = bytes(range(251)) * (size // 251)
                            got = gatehouse.curl(protocol, "/3", "-H", expect, body=body)
                            self.assertEqual((got.status, got.body), (200, b"ooo"), got.error)
                            self.assertEqual(got.fields.get("x-got"), hashlib.sha256(body).hexdigest())
            self.assertEqual({each["headers"].get("Expect") for each in self.router.seen}, {"100-continue"})
            self.assertEqual({line["fault"] for line in gatehouse.access_log(12)}, {None})

    def test_who_asks_for_the_body_gets_it_and_keeps_it(self):
        with self.gatehouse() as gatehouse:
            for protocol in harness.PROTOCOLS:
                with self.subTest(protocol=protocol):
                    got = gatehouse.curl(protocol, "/ask/1", body=b"x" * KIB)
                    self.assertEqual((got.status, got.body), (200, b"router has 1024"), got.error)
                    got = gatehouse.curl(protocol, "/late/1", body=b"x" * KIB)
                    self.assertEqual(got.status, 502, got.error)
            self.assertEqual(self.orders.seen, [])
            self.assertEqual(faults_of(gatehouse.access_log(6)), {None: 3, "delegation_late": 3})

    def test_nobody_else_is_delegated_to_and_nobody_else_may(self):
        with self.gatehouse() as gatehouse:
            for protocol in harness.PROTOCOLS:
                with self.subTest(protocol=protocol):
                    self.assertEqual(gatehouse.curl(protocol, "/nobody").status, 502)
                    got = gatehouse.curl(protocol, "/plain/1")
                    self.assertEqual((got.status, got.body), (200, b"never seen"), got.error)
                    self.assertNotIn("x-delegate-to", got.fields)
            gatehouse.await_message(r"said X-Delegate-To: nobody, which its delegate_to does not list")
            gatehouse.await_message(r"upstream plain: .* said X-Delegate-To, which is ignored")
            self.assertEqual(sum("X-Delegate-To, which is ignored" in line for line in gatehouse.log().splitlines()), 1)
            self.assertEqual(faults_of(gatehouse.access_log(6)), {"delegation_refused": 3, None: 3})
            self.assertEqual(gatehouse.metric(r'^gatehouse_delegations_total\{upstream="router",target="",result="refused"\}'), 3)
            self.assertEqual(gatehouse.metric(r'^gatehouse_faults_total\{.*fault="delegation_refused"'), 3)

    def test_connection_of_who_hands_over_is_kept(self):
        with self.gatehouse() as gatehouse:
            for _ in range(20):
                self.assertEqual(gatehouse.curl("h1", "/1").status, 200)
            connects = gatehouse.metric(r'^gatehouse_upstream_connects_total\{upstream="router".*result="ok"\}')
            self.assertLess(connects, 20)
            self.assertEqual(len({each["peer"] for each in self.router.seen}), connects)


if __name__ == "__main__":
    harness.main()
