"""Routes with a cache: many requests for one cold entry over two workers, over every protocol, and a purge."""

import concurrent.futures
import http.server
import json
import subprocess
import threading
import time
import unittest

import apps
import harness
from harness import PROTOCOLS

MANY = 1000
CLIENTS = 8
SLOW = 0.5

SERVER = """
[server]
admin = "127.0.0.1:{admin}"
workers = 2
"""
ROUTES = """
[[routes]]
path = "/kept"
to = "kept"
cache = "http"
[upstreams.kept]
endpoints = ["127.0.0.1:{port}"]
"""


class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    counts = {}
    lock = threading.Lock()

    def do_GET(self):
        with App.lock:
            App.counts[self.path] = App.counts.get(self.path, 0) + 1
        time.sleep(SLOW)  # the app's own slowness, during which the others come
        body = self.path.encode() * 20
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Cache(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.app = cls.enterClassContext(http.server.ThreadingHTTPServer(("127.0.0.1", 0), App))
        cls.backend = cls.enterClassContext(harness.backend())
        threading.Thread(target=cls.app.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.app.shutdown)
        routes = ROUTES.format(port=cls.app.server_address[1])
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(SERVER + harness.simple(cls.backend.port, routes)))

    def fetch(self, protocol, path, count):
        """So many requests at once by one curl; returns how many had the whole answer."""
        urls = [self.gatehouse.url(path)] * count
        done = subprocess.run(["curl", "-sS", "--cacert", str(self.gatehouse.certificate), PROTOCOLS[protocol], "--parallel",
                               "--parallel-max", str(count), "--no-progress-meter", *urls], capture_output=True, check=True, timeout=60)
        return done.stdout.count(path.encode()) // 20

    def test_one_of_a_thousand_asks(self):
        for protocol in PROTOCOLS:
            path = f"/kept/{protocol}"
            with self.subTest(protocol), concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
                fetched = list(clients.map(lambda _, to=path, by=protocol: self.fetch(by, to, MANY // CLIENTS), range(CLIENTS)))
                self.assertEqual(sum(fetched), MANY)
                self.assertEqual(App.counts[path], 1)

    def test_what_is_purged_is_asked_for_again(self):
        for _ in range(2):
            self.fetch("h1", "/kept/purged", 1)
        self.assertEqual(App.counts["/kept/purged"], 1)
        done = self.gatehouse.control(f"cache purge {self.gatehouse.url('/kept/purged')}")
        self.assertEqual(done.stdout, "1 stored response purged\n", done.stderr)
        self.fetch("h1", "/kept/purged", 1)
        self.assertEqual(App.counts["/kept/purged"], 2)
        self.assertEqual([line["cache"] for line in self.gatehouse.access_log(3, lambda line: line["path"] == "/kept/purged")],
                         ["miss", "hit", "miss"])
        self.assertGreaterEqual(self.gatehouse.metric(r'^gatehouse_cache_requests_total\{.*result="hit"'), 1)
        self.assertGreaterEqual(self.gatehouse.metric(r"^gatehouse_cache_entries"), 1)
        status = json.loads(self.gatehouse.control("status --json").stdout)
        route = next(route for route in status["routes"] if route["path"] == "/kept")
        self.assertEqual(route["cache"]["rules"], "http")
        self.assertGreaterEqual(route["cache"]["requests_total"], route["cache"]["hits_total"] + 2)
        self.assertGreaterEqual(route["cache"]["hits_total"], 1)
        self.assertGreaterEqual(status["cache"]["entries"], 1)
        self.assertRegex(self.gatehouse.control("status").stdout, r"(?s)cache\n.* responses, 0 evicted; \d+ of \d+ requests were hits")


class Stale(unittest.TestCase):
    """What is stale, and may stand in, does so while the app is stopped and while it starts."""

    def test_it_stands_in_while_the_app_is_not_there(self):
        fields = 'response_headers = {{ set = {{ Cache-Control = "max-age=1, stale-if-error=600" }} }}\n'
        config = SERVER + harness.LISTENERS + '[[routes]]\nto = "web"\ncache = "http"\n' + fields
        config += apps.app("web", apps.words("slow", 4000), 'start = "on_demand"')
        with apps.Gatehouse(config) as gatehouse:
            kept, other = "/", "/pid"
            self.assertEqual(gatehouse.curl("h1", kept).status, 200)
            gatehouse.must("stop")
            harness.wait_until(lambda: "stale-if-error" in self.status(gatehouse, "h1", kept), "the response is stale")
            self.stands_in(gatehouse, kept)
            self.assertEqual(gatehouse.curl("h1", other).status, 503)
            gatehouse.must("start")
            self.stands_in(gatehouse, kept)
            self.assertRegex(gatehouse.app_line(), "^starting")
            self.assertEqual(gatehouse.curl("h1", other).status, 200)  # it has waited for the app
            self.assertNotIn("stale-if-error", self.status(gatehouse, "h1", kept))

    def status(self, gatehouse, protocol, path):
        return gatehouse.curl(protocol, path).fields["cache-status"]

    def stands_in(self, gatehouse, path):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                answer = gatehouse.curl(protocol, path)
                self.assertEqual(answer.status, 200)
                self.assertRegex(answer.fields["cache-status"], r"^gatehouse; hit; detail=stale-if-error; ttl=-\d+$")


if __name__ == "__main__":
    unittest.main()
