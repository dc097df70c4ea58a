"""Other people's clients and load generators: nghttp, h2load, Python's h2, plain sockets."""

import re
import socket
import ssl
import subprocess
import unittest

import h2.config
import h2.connection
import h2.errors
import h2.events

import harness


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())
        config = harness.simple(cls.backend.port).replace(
            'address = "127.0.0.1:{http}"', 'address = "127.0.0.1:{http}"\nprotocols = ["h1", "h2c"]')
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(config))

    def test_h2load_gets_every_answer(self):
        for url, options in ((self.gatehouse.url("/bytes/1000"), []), (self.gatehouse.url("/bytes/1000"), ["--h1"]),
                             (f"http://127.0.0.1:{self.gatehouse.http}/bytes/1000", [])):
            done = subprocess.run(["h2load", "-n2000", "-c10", "-m10", *options, url], capture_output=True, text=True, timeout=120)
            self.assertRegex(done.stdout, r"2000 succeeded, 0 failed, 0 errored, 0 timeout", url)
            self.assertRegex(done.stdout, r"status codes: 2000 2xx")

    def test_nghttp_prior_knowledge_and_upload(self):
        done = subprocess.run(["nghttp", "-v", "-d", harness.BINARY, f"http://127.0.0.1:{self.gatehouse.http}/echo",
                               "-H", "content-length: 5"], capture_output=True, text=True, timeout=60)
        self.assertRegex(done.stdout + done.stderr, r"PROTOCOL_ERROR")  # a length that the body does not keep
        self.assertEqual(harness.curl(f"http://127.0.0.1:{self.gatehouse.http}/echo", "--http2-prior-knowledge").version, "2")

    def connect_h2(self):
        context = ssl.create_default_context(cafile=str(self.gatehouse.certificate))
        context.set_alpn_protocols(["h2"])
        stream = context.wrap_socket(socket.create_connection(("127.0.0.1", self.gatehouse.port), 10), server_hostname="localhost")
        self.addCleanup(stream.close)
        client = h2.connection.H2Connection(h2.config.H2Configuration(validate_outbound_headers=False,
                                                                      normalize_outbound_headers=False))
        client.initiate_connection()
        stream.sendall(client.data_to_send())
        return stream, client

    def head(self, *fields, method="GET", path="/echo"):
        return [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path), *fields]

    def events_until(self, stream, client, kind):
        while True:
            data = stream.recv(65536)
            self.assertTrue(data, f"the connection ended before {kind}")
            for event in client.receive_data(data):
                if isinstance(event, kind):
                    return event
            stream.sendall(client.data_to_send())

    def test_invalid_fields_reset_only_their_stream(self):
        stream, client = self.connect_h2()
        bad = [("evil", "a\r\nX-Injected: 1"), ("evil", "a\0b"), ("Upper", "x"), ("transfer-encoding", "chunked"),
               ("connection", "close"), ("te", "gzip"), ("a b", "x"), ("content-length", "5, 5"), ("host", "other")]
        for number, field in enumerate(bad):
            client.send_headers(2 * number + 1, self.head(field), end_stream=True)
            stream.sendall(client.data_to_send())
            event = self.events_until(stream, client, (h2.events.StreamReset, h2.events.ResponseReceived))
            if isinstance(event, h2.events.StreamReset):
                self.assertEqual(event.error_code, h2.errors.ErrorCodes.PROTOCOL_ERROR, field)
            else:
                self.assertEqual(dict(event.headers)[b":status"], b"400", field)
        last = 2 * len(bad) + 1
        client.send_headers(last, self.head(), end_stream=True)
        stream.sendall(client.data_to_send())
        event = self.events_until(stream, client, h2.events.ResponseReceived)
        while event.stream_id != last:
            event = self.events_until(stream, client, h2.events.ResponseReceived)
        self.assertEqual(dict(event.headers)[b":status"], b"200")

    def test_a_rapid_reset_attack_is_cut_off(self):
        stream, client = self.connect_h2()
        began = self.gatehouse.metric("^gatehouse_upstream_requests_total")
        try:
            for number in range(3000):
                client.send_headers(2 * number + 1, self.head(path="/slow/50"), end_stream=True)
                client.reset_stream(2 * number + 1, h2.errors.ErrorCodes.CANCEL)
                stream.sendall(client.data_to_send())
            event = self.events_until(stream, client, h2.events.ConnectionTerminated)
            self.assertEqual(event.error_code, h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass  # it has hung up already
        self.assertLess(self.gatehouse.metric("^gatehouse_upstream_requests_total") - began, 400)
        self.assertEqual(self.gatehouse.curl("h2", "/echo").status, 200)

    def raw(self, request, port=None):
        with socket.create_connection(("127.0.0.1", port or self.gatehouse.http), 10) as stream:
            stream.sendall(request)
            stream.settimeout(10)
            answer = b""
            while piece := stream.recv(65536):
                answer += piece
            return answer

    def test_smuggling_attempts_are_400_and_nothing_reaches_the_backend(self):
        host = b"POST /echo HTTP/1.1\r\nHost: localhost\r\n"
        smuggled = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
        cases = {
            "CL and TE": host + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
            "two CL": host + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + smuggled,
            "CL list": host + b"Content-Length: 5, 5\r\n\r\nhello" + smuggled,
            "CL plus": host + b"Content-Length: +5\r\n\r\nhello" + smuggled,
            "space before colon": host + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled,
            "folded": host + b"X: a\r\n b\r\n\r\n" + smuggled,
            "bare LF": b"GET /echo HTTP/1.1\nHost: localhost\n\n" + smuggled,
            "two hosts": b"GET /echo HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" + smuggled,
            "no host": b"GET /echo HTTP/1.1\r\n\r\n" + smuggled,
            "chunk size": host + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n" + smuggled,
            "NUL": b"GET /echo HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n" + smuggled,
            "underscore": host + b"Content_Length: 5\r\n\r\n" + smuggled,
            "HTTP/0.9": b"GET /echo\r\n",
            "traversal": b"GET /a/../../etc HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled,
        }
        for name, request in cases.items():
            with self.subTest(name):
                answer = self.raw(request)
                self.assertEqual(re.findall(rb"HTTP/1\.[01] (\d+)", answer), [b"400"], answer[:200])
                self.assertRegex(answer.lower(), rb"connection: close")
        self.assertNotIn("/smuggled", [line["path"] for line in self.gatehouse.access_log()])

    def test_pipelined_requests_are_answered_in_order(self):
        request = b"".join(b"GET /echo?%d HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (n, b"Connection: close\r\n" * (n == 19))
                           for n in range(20))
        answer = self.raw(request)
        self.assertEqual(re.findall(rb'"target": "/echo\?(\d+)"', answer), [b"%d" % n for n in range(20)])

    def test_http_1_0_clients(self):
        answer = self.raw(b"GET /bytes/10?chunked=1 HTTP/1.0\r\nHost: localhost\r\n\r\n")
        self.assertNotIn(b"Transfer-Encoding", answer)
        self.assertEqual(len(answer.split(b"\r\n\r\n", 1)[1]), 10)


if __name__ == "__main__":
    harness.main()
