"""X-Reset-Code as curl sees it: which error its stream was reset with, on h1, h2 and h3, and what had arrived by then."""

import http.server
import threading
import unittest

import harness

# What curl exits with: an HTTP/2 stream with an error, an HTTP/3 one likewise, an empty reply, a body cut short.
H2_STREAM, H3_STREAM, NOTHING, PARTIAL = 92, 95, 52, 18


class App(http.server.BaseHTTPRequestHandler):
    """/head?N says it as a header, /trailer?N behind a body."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        where, _, code = self.path.partition("?")
        if where == "/head":
            self.send_response(200)
            self.send_header("X-Reset-Code", code)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nhello\r\n0\r\nX-Reset-Code: " + code.encode() + b"\r\n\r\n")


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """A connection whose answer is reset is closed without having been read to its end."""


class Resets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.app = Server(("127.0.0.1", 0), App)
        cls.thread = threading.Thread(target=cls.app.serve_forever)
        cls.thread.start()

    @classmethod
    def tearDownClass(cls):
        cls.app.shutdown()
        cls.thread.join()
        cls.app.server_close()

    def gatehouse(self):
        return harness.Gatehouse(harness.simple(self.app.server_address[1]))

    def test_header_takes_the_place_of_the_answer(self):
        with self.gatehouse() as gatehouse:
            for code, h2, h3 in ((8, "0x8 CANCEL", "0x10c"), (11, "0xb ENHANCE_YOUR_CALM", "0x107"), (2, "0x2 INTERNAL_ERROR", "0x102")):
                for protocol, exit_code in (("h1", NOTHING), ("h2", H2_STREAM), ("h3", H3_STREAM)):
                    with self.subTest(code=code, protocol=protocol):
                        got = gatehouse.curl(protocol, f"/head?{code}")
                        self.assertEqual((got.exit_code, got.body), (exit_code, b""), got.error)
                        self.assertIn({"h1": "", "h2": f"(error {h2})", "h3": f"(error {h3} "}[protocol], got.error)
            lines = gatehouse.access_log(9)
            self.assertEqual({(line["status"], line["fault"]) for line in lines}, {(502, "reset_by_endpoint")})
            self.assertEqual(gatehouse.metric(r'^gatehouse_faults_total\{.*reset_by_endpoint'), 9)

    def test_trailer_comes_behind_the_body(self):
        with self.gatehouse() as gatehouse:
            for protocol, exit_code in (("h1", PARTIAL), ("h2", H2_STREAM), ("h3", PARTIAL)):
                with self.subTest(protocol=protocol):
                    got = gatehouse.curl(protocol, "/trailer?8")
                    self.assertEqual((got.exit_code, got.status, got.body), (exit_code, 200, b"hello"), got.error)
                    self.assertIn({"h1": "", "h2": "(error 0x8 CANCEL)", "h3": "(error 0x10c "}[protocol], got.error)
            lines = gatehouse.access_log(3)
            self.assertEqual({(line["status"], line["fault"]) for line in lines}, {(200, "reset_by_endpoint")})

    def test_what_is_no_code_is_ignored_and_never_seen(self):
        with self.gatehouse() as gatehouse:
            for path in ("/head?14", "/head?x", "/trailer?7", "/trailer?13"):
                for protocol in harness.PROTOCOLS:
                    with self.subTest(path=path, protocol=protocol):
                        got = gatehouse.curl(protocol, path, "--header", "TE: trailers")
                        self.assertEqual((got.exit_code, got.status), (0, 200), got.error)
                        self.assertTrue(got.body.startswith(b"hello"))
                        self.assertNotIn("x-reset-code", str(got.all_fields).lower() + str(got.body).lower())
            gatehouse.await_message(r"said X-Reset-Code: 14, which is ignored")


if __name__ == "__main__":
    harness.main()
