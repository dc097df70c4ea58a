"""Clients that end their half of a connection: who has only said all that it has to say is served, who has gone is noticed at once."""

import concurrent.futures
import contextlib
import pathlib
import re
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import harness

SLOW = 6.5  # seconds to an answer: longer than any grace that one might think of
AT_ONCE = 2  # seconds; the next timeout would be 120
ROUTES = """
[[routes]]
path = "/abort"
half_closed = "abort"
to = "app"
"""

NGINX = """
daemon off; error_log {directory}/error.log; pid {directory}/pid; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  server {{ listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{endpoint}; proxy_http_version 1.1; proxy_ignore_client_abort on; }} }}
}}
"""
HAPROXY = """
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend front
  bind 127.0.0.1:{port}
  default_backend back
backend back
  server one 127.0.0.1:{endpoint}
"""


class Endpoint:
    """/slow answers late, /stream sends one event and then nothing, /upload reads nothing; tells of requests that were cancelled."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.cancelled = {}  # path: when
        self.seen = []
        self.closing = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def close(self):
        self.closing.set()
        self.listener.close()

    def serve(self, connection):
        with connection, contextlib.suppress(ConnectionError):
            while head := self.head(connection):
                path = head.split(b" ")[1].decode()
                self.seen.append(path)
                if "slow" in path or "fast" in path:
                    self.read_body(connection, head)
                if "slow" in path:
                    time.sleep(SLOW)
                if "slow" in path or "fast" in path:
                    body = path.encode()
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                    continue
                if "stream" in path:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nevent\n\r\n")
                if "upload" in path:
                    self.closing.wait()  # and nothing is read
                    return
                with contextlib.suppress(ConnectionError):
                    while connection.recv(65536):
                        pass
                self.cancelled[path] = time.monotonic()
                return

    @staticmethod
    def read_body(connection, head):
        """So that nothing of it is taken for the next head."""
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        left = int(length[1]) if length else 0
        while left > 0 and (piece := connection.recv(min(left, 1 << 16))):
            left -= len(piece)

    @staticmethod
    def head(connection):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(1)
            if not piece:
                return b""
            head += piece
        return head


def request(path, method="GET", more=""):
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode()


def exchange(port, *requests):
    """Says all of it and ends; what comes until the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(b"".join(requests))
        client.shutdown(socket.SHUT_WR)
        response = b""
        while piece := client.recv(65536):
            response += piece
        return response


class HalfClosed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.endpoint = Endpoint()
        cls.addClassCleanup(cls.endpoint.close)
        config = harness.simple(cls.endpoint.port).replace("[[routes]]", ROUTES + "[[routes]]", 1)
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(config))
        cls.directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="gatehouse-half-closed-")))

    def line(self, path):
        return self.gatehouse.access_log(1, lambda line: line["path"] == path)[0]

    def expect_gone(self, path, since, status):
        harness.wait_until(lambda: path in self.endpoint.cancelled, f"{path} is cancelled", 2 * AT_ONCE)
        self.assertLess(self.endpoint.cancelled[path] - since, AT_ONCE)
        self.expect_line(path, status)

    def expect_line(self, path, status):
        line = self.line(path)
        self.assertEqual((line["fault"], line["status"]), ("client_gone", status))

    def tls(self):
        context = ssl.create_default_context(cafile=self.gatehouse.certificate)
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.gatehouse.port), timeout=30),
                                   server_hostname="localhost")

    def peers(self):
        """The ports of nginx and HAProxy in front of the same endpoint, as far as they are installed."""
        ports = {}
        for name, text, command in (("nginx", NGINX, ["-c"]), ("haproxy", HAPROXY, ["-f"])):
            if not shutil.which(name):
                continue
            ports[name], file = harness.free_port(), self.directory / f"{name}.conf"
            file.write_text(text.format(directory=self.directory, port=ports[name], endpoint=self.endpoint.port))
            process = subprocess.Popen([name, *command, str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)

            def listens(port=ports[name]):
                with socket.socket() as probe:
                    return probe.connect_ex(("127.0.0.1", port)) == 0

            harness.wait_until(listens, f"{name} listens")
        return ports

    def test_who_has_said_all_is_answered_however_long_it_takes_as_by_the_others(self):
        ports = {"gatehouse": self.gatehouse.http, **self.peers()}
        with concurrent.futures.ThreadPoolExecutor() as pool:
            responses = pool.map(lambda name: exchange(ports[name], request(f"/slow/{name}")), ports)
            for name, response in zip(ports, responses):
                with self.subTest(name):
                    self.assertIn(b" 200 ", response.split(b"\r\n")[0])
                    self.assertTrue(response.endswith(f"/slow/{name}".encode()), response)
        self.assertIsNone(self.line("/slow/gatehouse")["fault"])

    def test_pipelined_requests_are_answered_in_their_order(self):
        paths = ["/fast/1", "/slow/2", "/fast/3", "/fast/4"]
        response = exchange(self.gatehouse.http, *map(request, paths))
        self.assertEqual(response.count(b"HTTP/1.1 200 "), 4)
        ends = [response.index(path.encode()) for path in paths]
        self.assertEqual(ends, sorted(ends))
        self.assertEqual(response.lower().count(b"connection: close"), 1)

    def test_a_complete_upload_is_served(self):
        body = b"x" * 3_000_000
        response = exchange(self.gatehouse.http, request("/fast/upload", "POST", f"Content-Length: {len(body)}\r\n"), body)
        self.assertIn(b" 200 ", response.split(b"\r\n")[0])

    def test_half_an_upload_is_aborted(self):
        response = exchange(self.gatehouse.http, request("/none/half", "POST", "Content-Length: 10\r\n"), b"half")
        self.assertEqual(response, b"")
        self.expect_line("/none/half", 499)

    def test_who_leaves_during_an_answer_has_gone(self):
        for name, connect in (("clear", lambda: socket.create_connection(("127.0.0.1", self.gatehouse.http))), ("tls", self.tls)):
            with self.subTest(name), connect() as client:
                client.sendall(request(f"/stream/{name}"))
                received = b""
                while b"event" not in received:
                    received += client.recv(65536)
                since = time.monotonic()
                client.close()
                self.expect_gone(f"/stream/{name}", since, 200)

    def test_who_leaves_before_the_answer_has_gone_over_tls_and_where_the_route_says_so(self):
        with self.tls() as client:
            client.sendall(request("/none/tls"))
            harness.wait_until(lambda: "/none/tls" in self.endpoint.seen, "the request is at the endpoint")
            since = time.monotonic()
            client.shutdown(socket.SHUT_WR)
            self.expect_gone("/none/tls", since, 499)
        since = time.monotonic()
        self.assertEqual(exchange(self.gatehouse.http, request("/abort/none")), b"")
        self.assertEqual(self.line("/abort/none")["fault"], "client_gone")
        with socket.create_connection(("127.0.0.1", self.gatehouse.http)) as client:
            client.sendall(request("/abort/late"))
            harness.wait_until(lambda: "/abort/late" in self.endpoint.seen, "the request is at the endpoint")
            since = time.monotonic()
            client.shutdown(socket.SHUT_WR)
            self.expect_gone("/abort/late", since, 499)

    def test_who_leaves_in_an_upload_that_nobody_takes_has_gone(self):
        """Nothing is read of its connection then, and its end stands behind bytes."""
        for name, connect, gone in (
                ("clear", lambda: socket.create_connection(("127.0.0.1", self.gatehouse.http)), self.reset),
                ("tls", self.tls, socket.socket.close)):
            with self.subTest(name), connect() as client:
                path = f"/upload/{name}"
                client.sendall(request(path, "POST", "Content-Length: 25000000\r\n"))
                client.settimeout(1)
                with contextlib.suppress(TimeoutError):
                    while True:
                        client.sendall(b"x" * 65536)
                since = time.monotonic()
                gone(client)
                self.expect_line(path, 499)
                self.assertLess(time.monotonic() - since, AT_ONCE)

    @staticmethod
    def reset(client):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()


if __name__ == "__main__":
    harness.main()
