"""Server push and early hints with other people's clients, nghttp and curl; and which of two answers comes first, with aioquic."""

import asyncio
import http.server
import re
import subprocess
import threading
import unittest

import harness
from h3_client import h3_client

CONFIG = """
[server]
admin = "127.0.0.1:{{admin}}"
workers = 1
[[listeners]]
address = "127.0.0.1:{{port}}"
[listeners.tls]
certificates = [{{{{ certificate = "{{cert}}", private_key = "{{key}}" }}}}]
[[routes]]
to = "app"
push = true
early_hints = true
[[routes]]
path = "/plain"
to = "app"
[upstreams.app]
endpoints = ["127.0.0.1:{backend}"]
"""
LINK = "</style.css?v=1>; rel=preload; as=style"


class Page(http.server.BaseHTTPRequestHandler):
    """/page.. names a style sheet; the page with "slow" in it comes once somebody has seen its hints."""
    protocol_version = "HTTP/1.1"
    go_on = threading.Event()
    seen = []

    def do_GET(self):
        Page.seen.append((self.path, dict(self.headers)))
        if "slow" in self.path and len([path for path, _ in Page.seen if path == self.path]) > 1:
            Page.go_on.wait(30)
        body = b"body {}" if self.path.startswith("/style") else b"<!doctype html>"
        if self.path.startswith("/much"):
            body = bytes(4_000_000)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if not self.path.startswith("/style"):
            self.send_header("Link", LINK)
            self.send_header("Cache-Control", "public, max-age=60")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Push(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(CONFIG.format(backend=server.server_address[1])))

    def setUp(self):
        Page.go_on.clear()
        Page.seen.clear()

    def nghttp(self, path, *options):
        done = subprocess.run(["nghttp", "-v", *options, self.gatehouse.url(path)], capture_output=True, text=True, timeout=30)
        return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)

    def test_nghttp_is_pushed_what_the_page_names(self):
        trace = self.nghttp("/page", "-H", "cookie: id=1", "-H", "user-agent: test")
        self.assertRegex(trace, r"recv PUSH_PROMISE frame <[^>]*stream_id=(\d+)>")
        self.assertRegex(trace, r"promised_stream_id=2\b")
        self.assertRegex(trace, r":path: /style\.css\?v=1")
        self.assertIn("body {}", trace)
        self.assertRegex(trace, r"recv \(stream_id=2\) :status: 200")
        self.assertEqual([path for path, _ in Page.seen], ["/page", "/style.css?v=1"])
        pushed = Page.seen[1][1]
        self.assertEqual((pushed.get("cookie"), pushed.get("user-agent")), ("id=1", "test"))
        lines = self.gatehouse.access_log(1, lambda line: line["path"] == "/style.css")
        self.assertEqual((lines[0]["status"], lines[0]["protocol"]), (200, "h2"))

    def test_clients_that_take_no_push_and_routes_without_it_get_the_field_alone(self):
        for path, options in (("/page", ("--no-push",)), ("/plain", ())):
            with self.subTest(path):
                trace = self.nghttp(path, *options)
                self.assertNotIn("PUSH_PROMISE", trace)
                self.assertIn(f"link: {LINK}", trace)

    def test_curl_gets_the_field_on_every_protocol(self):
        for protocol in harness.PROTOCOLS:
            with self.subTest(protocol):
                answer = self.gatehouse.curl(protocol, "/page")
                self.assertEqual((answer.status, answer.fields["link"]), (200, LINK))

    def hinted(self, command):
        """What the client says of a page that comes once the client has said something of hints."""
        client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        seen = []
        for line in client.stdout:
            seen.append(line)
            if re.search(r"(HTTP/[23]|:status:) 103", line):
                Page.go_on.set()
        client.wait(30)
        client.stdout.close()
        return re.sub(r"\x1b\[[0-9;]*m", "", "".join(seen))

    def test_nghttp_sees_hints_while_the_page_is_made(self):
        self.assertNotIn(":status: 103", self.nghttp("/slow?nghttp", "--no-push"))
        trace = self.hinted(["nghttp", "-v", "--no-push", "-H", "accept: text/html", self.gatehouse.url("/slow?nghttp")])
        self.assertRegex(trace, r"(?s):status: 103.*link: </style\.css\?v=1>; rel=preload; as=style.*:status: 200")

    def test_curl_sees_hints_while_the_page_is_made(self):
        for protocol in ("h2", "h3"):
            with self.subTest(protocol):
                Page.go_on.clear()
                command = ["curl", "-sv", "--cacert", str(self.gatehouse.certificate), harness.PROTOCOLS[protocol],
                           "-H", "Accept: text/html", self.gatehouse.url(f"/slow?{protocol}")]
                self.assertNotIn(" 103", self.hinted(command))
                trace = self.hinted(command)
                self.assertRegex(trace, r"(?s)< HTTP/[23] 103.*< link: </style\.css\?v=1>; rel=preload; as=style.*< HTTP/[23] 200")

    def test_clients_of_http1_and_clients_that_go_to_no_page_are_told_nothing(self):
        self.gatehouse.curl("h2", "/page?quiet")
        for protocol, accept in (("h1", "text/html"), ("h2", "image/*"), ("h3", "*/*")):
            with self.subTest(protocol):
                command = ["curl", "-sSi", "--cacert", str(self.gatehouse.certificate), harness.PROTOCOLS[protocol],
                           "-H", f"Accept: {accept}", self.gatehouse.url("/page?quiet")]
                self.assertNotIn(" 103", subprocess.run(command, capture_output=True, text=True, timeout=30).stdout)

    def test_an_urgent_answer_overtakes_one_that_is_under_way(self):
        """Over h3, both of 4 MB: the one that was asked for last and is urgent ends first."""
        async def order():
            done = []
            async with h3_client(self.gatehouse.port, self.gatehouse.certificate) as client:
                async def ask(name, priority):
                    stream = client.begin(f"/much?{name}", fields=[(b"priority", priority)])
                    await client.answer(stream)
                    done.append(name)
                await asyncio.gather(ask("idle", b"u=7"), ask("urgent", b"u=0"))
            return done
        self.assertEqual(asyncio.run(order()), ["urgent", "idle"])


if __name__ == "__main__":
    harness.main()
